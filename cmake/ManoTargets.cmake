# mano_component(NAME SOURCES ... LINKS ...): the static library mano_NAME; headers are included as "NAME/file.hpp".
function(mano_component name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_library(mano_${name} STATIC ${ARG_SOURCES})
  target_include_directories(mano_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(mano_${name} PUBLIC ${ARG_LINKS} PRIVATE mano_options)
endfunction()

# mano_kernels(COMPONENT FILE): loops compiled once for each instruction set, with MANO_INSTRUCTIONS its name; core/instructions.hpp
# tells which one the processor has.
function(mano_kernels component file)
  set(sets "baseline")
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    list(APPEND sets "avx2 -march=x86-64-v3" "avx512 -march=x86-64-v4 -mprefer-vector-width=512")
  endif()
  foreach(set ${sets})
    separate_arguments(options UNIX_COMMAND "${set}")
    list(POP_FRONT options name)
    set(target mano_${component}_kernels_${name})
    add_library(${target} OBJECT ${file})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
    target_compile_definitions(${target} PRIVATE MANO_INSTRUCTIONS=${name})
    # Vectors are passed within the file alone, whatever their calling convention; sqrt is the processor's.
    target_compile_options(${target} PRIVATE ${options} -Wno-psabi -fno-math-errno)
    target_link_libraries(${target} PRIVATE mano_options)
    target_sources(mano_${component} PRIVATE $<TARGET_OBJECTS:${target}>)
  endforeach()
endfunction()

# mano_test(NAME FILE LINKS ... [RANKS 1 2 3] [SLOW]): one GoogleTest program; with RANKS it runs under mpiexec as well.
function(mano_test name file)
  cmake_parse_arguments(ARG "SLOW" "" "LINKS;RANKS" ${ARGN})
  add_executable(${name} ${file})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} GTest::gtest mano_options)
  if(NOT ARG_RANKS)
    target_link_libraries(${name} PRIVATE GTest::gtest_main)
    set(ARG_RANKS 1)
  endif()
  target_compile_definitions(${name} PRIVATE MANO_TEST_DATA="${PROJECT_SOURCE_DIR}/tests")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  foreach(ranks ${ARG_RANKS})
    if(ranks EQUAL 1)
      add_test(NAME ${name} COMMAND ${name})
      set(registered ${name})
    else()
      add_test(NAME ${name}_${ranks}_ranks
               COMMAND ${MPIEXEC_EXECUTABLE} --oversubscribe -n ${ranks} $<TARGET_FILE:${name}>)
      set(registered ${name}_${ranks}_ranks)
    endif()
    mano_test_properties(${registered} "${ARG_SLOW}")
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
  # OMPI_*: containers run as root; loopback only.
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 ENVIRONMENT
    "MANO_PROGRAM=$<TARGET_FILE:mano>;MANO_FAIL_NTH=${PROJECT_BINARY_DIR}/tests/libfail_nth.so;MANO_PARTS=${parts};OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OMPI_MCA_btl=self,vader,tcp;OMPI_MCA_btl_tcp_if_include=lo;OMPI_MCA_rmaps_base_oversubscribe=1;ASAN_OPTIONS=detect_leaks=0;PYTHONDONTWRITEBYTECODE=1")
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
  $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)  # g++ 12 warns of std::string wrongly (GCC bug 105651)
if(MANO_SANITIZE)
  target_compile_options(mano_options INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer)
  target_link_options(mano_options INTERFACE -fsanitize=address,undefined)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
