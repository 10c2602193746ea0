#pragma once
// Tensors of Python's torch as those of LibTorch and back: the same object, its gradients included.

#include <dlfcn.h>
#include <nanobind/nanobind.h>
#include <torch/csrc/autograd/python_variable.h>

namespace mano::python {

/// THPVariable_Wrap of libtorch_python, which is there once Python has imported torch. It is looked up and not linked: a model that predicts
/// arrays (mano.load) needs libtorch_cpu alone. The version was checked before (python/mano/_model.py).
inline PyObject* wrap(const at::TensorBase& tensor) {
  using Wrap = PyObject* (*)(const at::TensorBase&);
  static const auto found = [] {
    void* library = dlopen("libtorch_python.so", RTLD_LAZY | RTLD_NOLOAD);
    return library == nullptr
               ? nullptr
               : reinterpret_cast<Wrap>(dlsym(library, "_Z16THPVariable_WrapRKN2at10TensorBaseE"));
  }();
  if (found == nullptr) {
    PyErr_SetString(PyExc_ImportError, "tensors need Python's torch: import torch");
    return nullptr;
  }
  return found(tensor);
}

}  // namespace mano::python

template <>
struct nanobind::detail::type_caster<at::Tensor> {
  NB_TYPE_CASTER(at::Tensor, const_name("torch.Tensor"))

  bool from_python(handle source, uint8_t, cleanup_list*) noexcept {
    static PyObject* const type = [] {
      const handle torch = PyImport_ImportModule("torch");
      PyObject* found = torch.is_valid() ? PyObject_GetAttrString(torch.ptr(), "Tensor") : nullptr;
      PyErr_Clear();
      return found;
    }();
    if (type == nullptr || PyObject_IsInstance(source.ptr(), type) != 1) return false;
    value = THPVariable_Unpack(source.ptr());
    return true;
  }
  static handle from_cpp(const at::Tensor& tensor, rv_policy, cleanup_list*) noexcept {
    return mano::python::wrap(tensor);
  }
};
