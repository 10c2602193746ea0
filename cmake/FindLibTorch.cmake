# Imported targets LibTorch::LibTorch (libraries) and LibTorch::Headers, from the Python wheel in .venv (scripts/bootstrap) or from LIBTORCH_ROOT.
#
# The wheel's own TorchConfig.cmake insists on a CUDA toolkit wherever the wheel was built for CUDA. The CPU part
# (libtorch_cpu, libc10) needs only the CUDA runtime and CUPTI, which are small wheels, so it is linked by hand here.
# LibTorch_CUDA_FOUND tells whether the CUDA backend and everything that it loads is there as well.
file(GLOB LIBTORCH_HINTS ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
if(SKBUILD AND Python_EXECUTABLE)  # the environment that pip builds a wheel for
  execute_process(COMMAND ${Python_EXECUTABLE} -c "import sysconfig; print(sysconfig.get_path('platlib'))" OUTPUT_VARIABLE _platlib OUTPUT_STRIP_TRAILING_WHITESPACE)
  list(PREPEND LIBTORCH_HINTS ${_platlib}/torch)
endif()
set(LIBTORCH_ROOT "" CACHE PATH "Folder that holds LibTorch's include/ and lib/")
find_path(LibTorch_INCLUDE_DIR torch/csrc/api/include/torch/torch.h
          HINTS ${LIBTORCH_ROOT} ${LIBTORCH_HINTS} PATH_SUFFIXES include NO_DEFAULT_PATH)
get_filename_component(LibTorch_DIR_ "${LibTorch_INCLUDE_DIR}" DIRECTORY)
foreach(library torch_cpu c10 torch_cuda c10_cuda)
  find_library(LibTorch_${library} ${library} HINTS ${LibTorch_DIR_}/lib NO_DEFAULT_PATH)
endforeach()
if(LibTorch_INCLUDE_DIR)
  file(STRINGS ${LibTorch_DIR_}/version.py _version REGEX "^__version__")
  string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" LibTorch_VERSION "${_version}")
endif()
# Folders of the CUDA libraries that the wheel loads: PyPI's nvidia packages beside it.
get_filename_component(_site "${LibTorch_DIR_}" DIRECTORY)
file(GLOB LibTorch_NVIDIA_DIRS ${_site}/nvidia/*/lib)
file(GLOB LibTorch_NVIDIA_INCLUDES ${_site}/nvidia/*/include)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS LibTorch_INCLUDE_DIR LibTorch_torch_cpu LibTorch_c10
                                  VERSION_VAR LibTorch_VERSION)
file(GLOB _cudnn ${_site}/nvidia/cudnn/lib/libcudnn.so.9)
if(LibTorch_torch_cuda AND _cudnn)
  set(LibTorch_CUDA_FOUND TRUE)
else()
  set(LibTorch_CUDA_FOUND FALSE)
endif()

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  # Headers apart: they bring a fmt of their own, which must not reach components that use Debian's.
  add_library(LibTorch::Headers INTERFACE IMPORTED)
  target_include_directories(LibTorch::Headers SYSTEM INTERFACE
    ${LibTorch_INCLUDE_DIR} ${LibTorch_INCLUDE_DIR}/torch/csrc/api/include)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  # Old dtags (RPATH): the wheel's libraries find the CUDA runtime through the program's path as well.
  set(_rpaths ${LibTorch_DIR_}/lib ${LibTorch_NVIDIA_DIRS})
  list(TRANSFORM _rpaths PREPEND "-Wl,-rpath,")
  # A module of a wheel finds the torch of its own environment instead (python/CMakeLists.txt).
  target_link_options(LibTorch::LibTorch INTERFACE -Wl,--disable-new-dtags -Wl,--allow-shlib-undefined
                      "$<$<NOT:$<BOOL:$<TARGET_PROPERTY:MANO_IN_WHEEL>>>:${_rpaths}>")
  if(MANO_WITH_CUDA AND LibTorch_CUDA_FOUND)
    # --no-as-needed: nothing calls torch_cuda by name, it registers itself when loaded.
    target_link_libraries(LibTorch::LibTorch INTERFACE
      -Wl,--no-as-needed ${LibTorch_torch_cuda} ${LibTorch_c10_cuda} -Wl,--as-needed)
  endif()
  target_link_libraries(LibTorch::LibTorch INTERFACE ${LibTorch_torch_cpu} ${LibTorch_c10})
  # at::parallel_for is a header: without OpenMP it compiles to a serial loop. The threads must be Torch's own.
  file(GLOB LibTorch_gomp ${LibTorch_DIR_}/lib/libgomp*.so*)
  target_compile_options(LibTorch::Headers INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
  target_link_libraries(LibTorch::LibTorch INTERFACE ${LibTorch_gomp})
endif()
