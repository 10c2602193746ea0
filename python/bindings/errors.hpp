#pragma once
// mano::Error becomes mano.InputError or mano.RunError (python/mano/_errors.py), with the same one line.

#include <nanobind/nanobind.h>

#include "core/error.hpp"

namespace mano::python {

inline void translate_errors() {
  nanobind::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Error& e) {
      const char* name = dynamic_cast<const MissingPart*>(&e) != nullptr ? "MissingPart"
                         : e.exit_status() == 2                          ? "InputError"
                                                                         : "RunError";
      const nanobind::object type = nanobind::module_::import_("mano._errors").attr(name);
      PyErr_SetString(type.ptr(), e.what());
    }
  });
}

}  // namespace mano::python
