#pragma once

namespace leno {

// Has the C library hand large blocks back to the operating system as soon as they are freed. False where it cannot.
bool return_freed_memory();

}  // namespace leno
