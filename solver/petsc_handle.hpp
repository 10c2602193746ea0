#pragma once
// Move-only owners of PETSc objects, and the one throwing check of PETSc's error codes. Private to solver/.

#include <petscksp.h>

#include <string>
#include <utility>

#include "core/error.hpp"

namespace mano {

/// What PETSc said of the last error, kept by the handler that PetscSession installs.
inline std::string& last_petsc_message() {
  static std::string message;
  return message;
}

inline void petsc(PetscErrorCode code) {
  if (code == 0) return;
  const char* text = nullptr;
  PetscErrorMessage(code, &text, nullptr);
  if (code == PETSC_ERR_ARG_UNKNOWN_TYPE) {
    throw InvalidInput(fmt::format("PETSc knows no such type {}", last_petsc_message()));
  }
  throw RunFailed(
      fmt::format("PETSc error {}: {} {}", static_cast<int>(code), text ? text : "", last_petsc_message()));
}

template <typename Object, PetscErrorCode (*Destroy)(Object*)>
class PetscHandle {
 public:
  PetscHandle() = default;
  ~PetscHandle() { Destroy(&object_); }
  PetscHandle(PetscHandle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  PetscHandle& operator=(PetscHandle&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  PetscHandle(const PetscHandle&) = delete;
  PetscHandle& operator=(const PetscHandle&) = delete;

  operator Object() const { return object_; }
  Object* put() { return &object_; }  ///< for PETSc's ...Create(&object)

 private:
  Object object_ = nullptr;
};

using Matrix = PetscHandle<Mat, MatDestroy>;
using Vector = PetscHandle<Vec, VecDestroy>;
using Krylov = PetscHandle<KSP, KSPDestroy>;
using NullSpace = PetscHandle<MatNullSpace, MatNullSpaceDestroy>;
using Scatter = PetscHandle<VecScatter, VecScatterDestroy>;

}  // namespace mano
