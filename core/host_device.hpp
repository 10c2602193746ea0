#pragma once
// MANO_BOTH: a function for the CPU and, compiled by nvcc, for a GPU too.

#ifdef __CUDACC__
#define MANO_BOTH __host__ __device__
#else
#define MANO_BOTH
#endif
