# What every build needs, then the three optional parts. A preset switches a part off with CMAKE_DISABLE_FIND_PACKAGE_*.
if(MANO_PORTABLE)  # programs to be carried to a machine that has LibTorch and little else
  set(HDF5_USE_STATIC_LIBRARIES ON)
else()
  set(HDF5_PREFER_PARALLEL ON)  # the one that Debian's PETSc links: two HDF5 libraries in one process would clash
endif()
find_package(HDF5 REQUIRED COMPONENTS C)
find_package(PkgConfig REQUIRED)
pkg_check_modules(FFTW REQUIRED IMPORTED_TARGET fftw3)
pkg_check_modules(DEFLATE REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
if(MANO_PORTABLE)
  foreach(library FFTW:fftw3 DEFLATE:deflate XXHASH:xxhash)
    string(REPLACE ":" ";" library ${library})
    list(GET library 0 package)
    list(GET library 1 name)
    set_target_properties(PkgConfig::${package} PROPERTIES INTERFACE_LINK_LIBRARIES "-l:lib${name}.a")
  endforeach()
endif()
find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED)
find_package(fmt REQUIRED)
find_package(Boost REQUIRED)  # headers: quantiles of distributions
find_package(CLI11 QUIET)
find_path(CLI11_INCLUDE_DIR CLI/CLI.hpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tomlplusplus REQUIRED)
add_library(mano_toml INTERFACE)
if(MANO_PORTABLE)
  target_compile_definitions(mano_toml INTERFACE TOML_HEADER_ONLY=1)
else()
  target_link_libraries(mano_toml INTERFACE tomlplusplus::tomlplusplus)
endif()

find_package(PETSc QUIET)
find_package(LibTorch QUIET)
# These few components only: VTK's HDF modules would load a second, serial HDF5.
find_package(VTK 9 QUIET COMPONENTS CommonCore CommonDataModel IOXML IOImage ImagingCore ImagingColor RenderingFreeType)

# Python with nanobind: pip's own, else that of .venv (scripts/bootstrap).
if(NOT Python_EXECUTABLE AND EXISTS ${PROJECT_SOURCE_DIR}/.venv/bin/python)
  set(Python_EXECUTABLE ${PROJECT_SOURCE_DIR}/.venv/bin/python)
endif()
if(NOT MANO_SANITIZE AND NOT MANO_PORTABLE)  # a plain Python cannot load an instrumented module
  find_package(Python 3.10 QUIET COMPONENTS Interpreter Development.Module)
endif()
set(MANO_WITH_PYTHON FALSE)
if(Python_FOUND)
  execute_process(COMMAND ${Python_EXECUTABLE} -m nanobind --cmake_dir OUTPUT_VARIABLE nanobind_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  unset(nanobind_DIR CACHE)  # pip's environments come and go
  find_package(nanobind CONFIG QUIET)
  set(MANO_WITH_PYTHON ${nanobind_FOUND})
endif()

set(MANO_WITH_PETSC ${PETSc_FOUND})
set(MANO_WITH_TORCH ${LibTorch_FOUND})
set(MANO_WITH_VTK ${VTK_FOUND})
if(MANO_WITH_CUDA AND NOT (LibTorch_FOUND AND LibTorch_CUDA_FOUND))
  message(FATAL_ERROR "MANO_WITH_CUDA needs LibTorch with its CUDA libraries: run 'scripts/bootstrap --cuda' first")
endif()

if(MANO_PORTABLE)
  list(TRANSFORM HDF5_C_LIBRARIES REPLACE "libsz\\.so" "libsz.a")
  list(APPEND HDF5_C_LIBRARIES -l:libaec.a)
endif()

# FindHDF5 has no target of its own in this version of CMake.
add_library(hdf5_c INTERFACE)
target_include_directories(hdf5_c SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
target_compile_definitions(hdf5_c INTERFACE ${HDF5_C_DEFINITIONS})
target_link_libraries(hdf5_c INTERFACE ${HDF5_C_LIBRARIES})
if(HDF5_IS_PARALLEL)
  find_package(MPI REQUIRED COMPONENTS C)  # its headers include mpi.h
  target_link_libraries(hdf5_c INTERFACE MPI::MPI_C)
endif()
