# mano_room(FOLDER SOURCES ... LINKS ...): the object library of one folder, mano_<folder> with _ for /. Its headers are included as
# "FOLDER/file.hpp". It sees its own headers and those of the rooms that it links, and no others: the include path holds a folder
# for each of them, with nothing but a link to the room in it. So the compiler refuses an include from below to above.
function(mano_room folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  mano_include_path(${folder} include_path)
  list(TRANSFORM ARG_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/${folder}/)
  add_library(mano_${name} OBJECT ${ARG_SOURCES})
  target_include_directories(mano_${name} PUBLIC ${include_path})
  target_link_libraries(mano_${name} PUBLIC ${ARG_LINKS} PRIVATE mano_options)
  set_target_properties(mano_${name} PROPERTIES UNITY_BUILD ${MANO_UNITY} UNITY_BUILD_BATCH_SIZE 0)
endfunction()

# mano_component(NAME [ROOMS ...] SOURCES ... LINKS ...): the static library mano_NAME, with the object files of its rooms.
function(mano_component name)
  cmake_parse_arguments(ARG "" "" "ROOMS;SOURCES;LINKS" ${ARGN})
  mano_include_path(${name} include_path)
  list(TRANSFORM ARG_ROOMS PREPEND mano_${name}_)
  if(NOT ARG_SOURCES)
    set(ARG_SOURCES ${PROJECT_BINARY_DIR}/generated/rooms_alone.cpp)  # a library must have a source
    file(TOUCH ${ARG_SOURCES})
  endif()
  add_library(mano_${name} STATIC ${ARG_SOURCES})
  target_include_directories(mano_${name} PUBLIC ${include_path})
  target_link_libraries(mano_${name} PUBLIC ${ARG_LINKS} ${ARG_ROOMS} PRIVATE mano_options)
  set_target_properties(mano_${name} PROPERTIES UNITY_BUILD ${MANO_UNITY} UNITY_BUILD_BATCH_SIZE 0)
endfunction()

function(mano_include_path folder result)
  string(REPLACE "/" "_" name ${folder})
  set(path ${PROJECT_BINARY_DIR}/include/${name})
  get_filename_component(parent ${path}/${folder} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${path}/${folder} SYMBOLIC)
  set(${result} ${path} PARENT_SCOPE)
endfunction()

# mano_kernels(TARGET FILES): loops compiled once for each instruction set, with MANO_INSTRUCTIONS its name; core/instructions.hpp
# tells which one the processor has.
function(mano_kernels target files)
  set(sets "baseline")
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    list(APPEND sets "avx2 -march=x86-64-v3" "avx512 -march=x86-64-v4 -mprefer-vector-width=512")
  endif()
  foreach(set ${sets})
    separate_arguments(options UNIX_COMMAND "${set}")
    list(POP_FRONT options name)
    set(kernels ${target}_loops_${name})
    add_library(${kernels} OBJECT ${files})
    target_include_directories(${kernels} PRIVATE $<TARGET_PROPERTY:${target},INTERFACE_INCLUDE_DIRECTORIES>)
    target_compile_definitions(${kernels} PRIVATE MANO_INSTRUCTIONS=${name})
    # Vectors are passed within the file alone, whatever their calling convention; sqrt is the processor's.
    target_compile_options(${kernels} PRIVATE $<$<CONFIG:Release>:-O3> ${options} -Wno-psabi -fno-math-errno)
    target_link_libraries(${kernels} PRIVATE mano_options)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${kernels}>)
  endforeach()
endfunction()

# mano_tests(NAME SOURCES ... LINKS ... [MAIN TARGET] [RANKS 2 3 FILTER NAMES]): the GoogleTest program of a folder; with RANKS the tests
# that FILTER names run under mpiexec as well. MAIN brings a main() of its own.
function(mano_tests name)
  cmake_parse_arguments(ARG "" "MAIN;FILTER" "SOURCES;LINKS;RANKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  if(NOT ARG_MAIN)
    set(ARG_MAIN GTest::gtest_main)
  endif()
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} ${ARG_MAIN} GTest::gtest mano_options)
  target_compile_definitions(${name} PRIVATE MANO_TEST_DATA="${PROJECT_SOURCE_DIR}/tests")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  if(LibTorch::Headers IN_LIST ARG_LINKS AND NOT mano_solver IN_LIST ARG_LINKS)  # read already, with the library's flags; PETSc has others
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE -fPIC)
    target_precompile_headers(${name} REUSE_FROM mano_surrogate_kernels)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  mano_test_properties(${name} "")
  foreach(ranks ${ARG_RANKS})
    add_test(NAME ${name}_${ranks}_ranks COMMAND ${MPIEXEC_EXECUTABLE} --oversubscribe -n ${ranks} $<TARGET_FILE:${name}>
                                                 --gtest_filter=${ARG_FILTER})
    mano_test_properties(${name}_${ranks}_ranks "")
    set_tests_properties(${name}_${ranks}_ranks PROPERTIES PROCESSORS ${ranks})
  endforeach()
endfunction()

# mano_script_test(NAME SCRIPT [SLOW]): runs tests/SCRIPT with the private Python environment; it gets MANO_PROGRAM.
function(mano_script_test name script)
  cmake_parse_arguments(ARG "SLOW" "" "" ${ARGN})
  add_test(NAME ${name} COMMAND ${PROJECT_SOURCE_DIR}/.venv/bin/python -m pytest -q -p no:cacheprovider
                                ${CMAKE_CURRENT_SOURCE_DIR}/${script})
  mano_test_properties(${name} "${ARG_SLOW}")
endfunction()

function(mano_test_properties name slow)
  set(parts "")
  foreach(part PETSC TORCH VTK)
    if(MANO_WITH_${part})
      string(TOLOWER ${part} part)
      list(APPEND parts ${part})
    endif()
  endforeach()
  string(JOIN "," parts ${parts})
  # Torch on one thread: numbers that depend on the order of sums are the same everywhere, and tests run side by side. OMPI_*: containers run as
  # root; loopback only.
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 ENVIRONMENT
    "MANO_PROGRAM=$<TARGET_FILE:mano>;MANO_FAIL_NTH=${PROJECT_BINARY_DIR}/tests/libfail_nth.so;MANO_PARTS=${parts};OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OMPI_MCA_btl=self,vader,tcp;OMPI_MCA_btl_tcp_if_include=lo;OMPI_MCA_rmaps_base_oversubscribe=1;ASAN_OPTIONS=detect_leaks=0;PYTHONDONTWRITEBYTECODE=1;OMP_NUM_THREADS=1")
  if(slow)
    set_tests_properties(${name} PROPERTIES LABELS slow TIMEOUT 1200)
  endif()
endfunction()

# mano_benchmark(NAME FILE LINKS ...): a program of its own under bench/; never a test.
function(mano_benchmark name file)
  cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
  add_executable(${name} ${file})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} mano_options)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
endfunction()

add_library(mano_options INTERFACE)
target_compile_options(mano_options INTERFACE
  $<$<COMPILE_LANGUAGE:C,CXX>:-Wall;-Wextra;-Wno-missing-field-initializers;-fopenmp-simd>
  # g++ 12 warns of std::string wrongly (GCC bug 105651); files that are compiled together all look like headers to it.
  $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict;$<$<BOOL:${MANO_UNITY}>:-Wno-subobject-linkage>>)
if(MANO_SANITIZE)
  target_compile_options(mano_options INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer)
  target_link_options(mano_options INTERFACE -fsanitize=address,undefined)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
