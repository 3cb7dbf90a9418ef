// Many threads on two cards: forwards of shared operators while others make and destroy everything. What they race for
// shows under ThreadSanitizer (the preset `thread`); the results show anywhere.
#include <atomic>
#include <thread>

#include "capi/cuda_linear_fixture.h"

namespace leno_test {
namespace {

class CudaThreads : public CudaLinear {
 protected:
  static constexpr int64_t kTokens = 5;

  // A thread's own context and tensors, on any card.
  struct Desk {
    Desk(const CudaThreads& test, leno_device device, leno_linear op) : test(test), op(op) {
      EXPECT_OK(leno_context_create(device, &context));
      int64_t bytes = 0;
      EXPECT_OK(leno_linear_workspace_size(op, kTokens, &bytes));
      EXPECT_OK(leno_context_reserve(context, bytes));
      EXPECT_OK(leno_tensor_create(device, kTokens * kK * 2, &x));
      EXPECT_OK(leno_tensor_create(device, kTokens * kM * 2, &y));
      std::vector<uint16_t> bits;
      for (int64_t i = 0; i < kTokens * kK; ++i) bits.push_back(to_bits(test.x_[static_cast<size_t>(i)]));
      EXPECT_OK(leno_tensor_write(x, 0, bits.data(), kTokens * kK * 2, nullptr));
    }
    ~Desk() {
      leno_context_destroy(context);
      leno_tensor_destroy(x);
      leno_tensor_destroy(y);
    }
    int forward() const {
      return leno_linear_forward(op, context, kTokens, leno_tensor_address(x), kK, nullptr, 0, leno_tensor_address(y),
                                 kM);
    }
    void clear() const { EXPECT_OK(leno_tensor_fill(y, 0, 0xff, kTokens * kM * 2, nullptr)); }
    void expect_right() const {
      std::vector<uint16_t> bits(kTokens * kM);
      EXPECT_OK(leno_tensor_read(y, 0, bits.data(), kTokens * kM * 2, nullptr));
      for (int64_t n = 0; n < kTokens; ++n) {
        for (int64_t m = 0; m < kM; ++m) {
          EXPECT_EQ(test.expected(n, m), to_value(bits[static_cast<size_t>(n * kM + m)])) << n << " " << m;
        }
      }
    }
    const CudaThreads& test;
    leno_linear op;
    leno_context context = nullptr;
    leno_tensor x = nullptr, y = nullptr;
  };
  void run_rounds(leno_device device, leno_linear op) const {
    const Desk desk(*this, device, op);
    for (int round = 0; round < kRounds; ++round) {
      desk.clear();
      EXPECT_OK(desk.forward());
      EXPECT_OK(leno_context_synchronize(desk.context));
      desk.expect_right();
    }
  }
  static constexpr int kRounds = 8;
};

TEST_F(CudaThreads, ForwardsCreationDestructionAndCapturesAtOnce) {
  create();
  leno_device second = nullptr;
  leno_linear on_second = nullptr;
  ASSERT_OK(leno_device_create_cuda(other_card(), &second));
  ASSERT_OK(leno_linear_create(second, packed_, &options_, &on_second));
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] { run_rounds(device_, op_); });
    threads.emplace_back([&] { run_rounds(second, on_second); });
  }
  // Operators come and go, one that is chosen by timing among them.
  threads.emplace_back([&] {
    for (int round = 0; round < kRounds; ++round) {
      leno_linear_options options = options_;
      if (round == 1) options.kernel = nullptr;
      leno_linear op = nullptr;
      EXPECT_OK(leno_linear_create(round % 2 == 0 ? device_ : second, packed_, &options, &op));
      {
        const Desk desk(*this, round % 2 == 0 ? device_ : second, op);
        EXPECT_OK(desk.forward());
        leno_linear_destroy(op);  // with its work on the stream
        EXPECT_OK(leno_context_synchronize(desk.context));
      }
    }
  });
  // Graphs are captured and launched; releases meanwhile are put off.
  threads.emplace_back([&] {
    const Desk desk(*this, device_, op_);
    leno_stream s = nullptr;
    EXPECT_OK(leno_stream_create(device_, &s));
    EXPECT_OK(leno_context_set_stream(desk.context, s));
    for (int round = 0; round < kRounds; ++round) {
      desk.clear();
      leno_graph graph = nullptr;
      EXPECT_OK(leno_stream_begin_capture(s));
      EXPECT_OK(desk.forward());
      EXPECT_OK(leno_stream_end_capture(s, &graph));
      EXPECT_OK(leno_graph_launch(graph, s));
      EXPECT_OK(leno_stream_synchronize(s));
      desk.expect_right();
      leno_graph_destroy(graph);
    }
    leno_stream_destroy(s);
  });
  // Devices are opened and closed, memory of all kinds, and mistakes are made.
  threads.emplace_back([&] {
    for (int round = 0; round < 4 * kRounds; ++round) {
      leno_device device = nullptr;
      leno_tensor t = nullptr;
      leno_pinned p = nullptr;
      leno_event e = nullptr;
      int lost = -1;
      EXPECT_OK(leno_device_create_cuda(round % cards(), &device));
      EXPECT_OK(leno_tensor_create(device, 256, &t));
      EXPECT_OK(leno_pinned_create(device, 256, &p));
      EXPECT_OK(leno_event_create(device, 0, &e));
      EXPECT_OK(leno_device_lost(device, &lost));
      EXPECT_EQ(0, lost);
      EXPECT_NE(LENO_OK, leno_linear_forward(op_, nullptr, 1, nullptr, 1, nullptr, 0, nullptr, 1));
      leno_device_destroy(device);
      leno_event_destroy(e);
      leno_pinned_destroy(p);
      leno_tensor_destroy(t);
    }
  });
  for (std::thread& thread : threads) thread.join();
  leno_linear_destroy(on_second);
  leno_device_destroy(second);
}

// All threads begin a card's first use together: kernels are loaded once.
TEST_F(CudaThreads, FirstForwardsAtOnce) {
  create();
  std::atomic<int> waiting{4};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const Desk desk(*this, device_, op_);
      --waiting;
      while (waiting > 0) std::this_thread::yield();
      EXPECT_OK(desk.forward());
      EXPECT_OK(leno_context_synchronize(desk.context));
      desk.expect_right();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// A card that is lost while others use it: every call gives an error or what is right, and all can be destroyed.
TEST_F(CudaThreads, LosingTheCardAtOnce) {
  LENO_EMULATED_ONLY("its faults are planned");
  create();
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  plan_fault("kernel:5:700");
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      leno_context context = nullptr;
      leno_tensor x = nullptr, y = nullptr;
      const bool made = leno_context_create(device_, &context) == LENO_OK &&
                        leno_context_reserve(context, 1 << 16) == LENO_OK &&
                        leno_tensor_create(device_, kTokens * kK * 2, &x) == LENO_OK &&
                        leno_tensor_create(device_, kTokens * kM * 2, &y) == LENO_OK;
      for (int round = 0; made && round < kRounds; ++round) {
        int status = leno_linear_forward(op_, context, kTokens, leno_tensor_address(x), kK, nullptr, 0,
                                         leno_tensor_address(y), kM);
        if (status == LENO_OK) status = leno_context_synchronize(context);
        failed += status == LENO_ERR_DEVICE_LOST;
        EXPECT_TRUE(status == LENO_OK || status == LENO_ERR_DEVICE_LOST) << leno_last_error();
      }
      leno_tensor_destroy(x);
      leno_tensor_destroy(y);
      leno_context_destroy(context);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(0, failed);
  int lost = 0;
  EXPECT_OK(leno_device_lost(device_, &lost));
  EXPECT_EQ(1, lost);
}

}  // namespace
}  // namespace leno_test
