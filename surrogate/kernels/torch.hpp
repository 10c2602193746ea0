#pragma once
// What mano uses of LibTorch's C++ interface: tensors, their operators, and nodes of autograd. <torch/torch.h> holds modules, optimisers and
// data loaders besides, and takes twice as long to compile. Private to surrogate/ and its tests.

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/cuda.h>
#include <torch/types.h>
#include <torch/utils.h>
