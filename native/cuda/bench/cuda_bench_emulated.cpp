// The benchmark over the emulation, so that it is tested where no GPU is. (A file of its own: what a source is compiled as
// holds for its folder.)
#include "cuda_bench.cu"
