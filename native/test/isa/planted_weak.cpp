// An inline function that stays out of line: what weak_symbols.sh has to find.
__attribute__((noinline)) inline int planted_weak(int x) { return x * x; }
int planted_caller(int x) { return planted_weak(x) + 1; }
