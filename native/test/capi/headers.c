/* The headers are plain C, each of them alone and all of them twice. */
#include "leno/budget.h"
#include "leno/linear.h"
/* again, through the one that includes all */
#include "leno/leno.h"

int leno_headers_compile_as_c(void) { return leno_abi_version() == LENO_ABI_VERSION; }
