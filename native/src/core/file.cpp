#include "core/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>

#include "core/error.h"

namespace leno {
namespace {

[[noreturn]] void fail_io(const std::string& path, const char* action, int error) {
  fail(LENO_ERR_IO, "path ", path, " cannot be ", action, ": ", std::generic_category().message(error));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  int get() const { return fd_; }
  int close() {
    const int result = fd_ < 0 ? 0 : ::close(fd_);
    fd_ = -1;
    return result;
  }

 private:
  int fd_;
};

void read_fully(const std::string& path, int fd, std::byte* to, int64_t bytes) {
  while (bytes > 0) {
    const ssize_t got = ::read(fd, to, static_cast<size_t>(bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_io(path, "read", errno);
    require(got > 0, LENO_ERR_IO, "path ", path, " cannot be read: it became shorter meanwhile");
    to += got;
    bytes -= got;
  }
}

bool write_fully(int fd, ByteRange part) {
  constexpr int64_t kStep = int64_t{1} << 30;  // one write() moves 2 GB at most
  while (part.bytes > 0) {
    const ssize_t put = ::write(fd, part.data, static_cast<size_t>(std::min(part.bytes, kStep)));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    part.data += put;
    part.bytes -= put;
  }
  return true;
}

// A name that no other thread or process is using. mkstemp would give a file that only its owner may read.
std::string temporary_name(const std::string& path) {
  static std::atomic<uint64_t> count{0};
  return text(path, ".", ::getpid(), ".", count++, ".tmp");
}

}  // namespace

AlignedBuffer read_file(const std::string& path) {
  Descriptor file(
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // opening a pipe must not wait for a writer
  if (file.get() < 0) fail_io(path, "opened", errno);
  struct stat status;
  if (::fstat(file.get(), &status) != 0) fail_io(path, "opened", errno);
  require(S_ISREG(status.st_mode), LENO_ERR_IO, "path ", path, " cannot be read: it is not a regular file");
  AlignedBuffer contents(status.st_size);
  read_fully(path, file.get(), contents.data(), contents.bytes());
  return contents;
}

void write_file(const std::string& path, const std::vector<ByteRange>& parts) {
  std::string temporary;
  int fd = -1;
  do {
    temporary = temporary_name(path);
    fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (fd < 0 && errno == EEXIST);
  if (fd < 0) fail_io(path, "written", errno);
  Descriptor file(fd);
  bool good = true;
  for (const ByteRange& part : parts) good = good && write_fully(file.get(), part);
  good = good && ::fsync(file.get()) == 0;
  good = good && file.close() == 0;
  good = good && ::rename(temporary.c_str(), path.c_str()) == 0;
  if (!good) {
    const int error = errno;
    ::unlink(temporary.c_str());
    fail_io(path, "written", error);
  }
}

}  // namespace leno
