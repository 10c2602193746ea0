# cmake --install: the program, and one shared library of all components whose headers include neither Torch nor PETSc.
#   find_package(mano) then gives mano::mano; headers are included as here, "solver/darcy_solver.hpp".
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

file(WRITE ${PROJECT_BINARY_DIR}/generated/library.cpp "")  # a library must have a source
add_library(mano_library SHARED ${PROJECT_BINARY_DIR}/generated/library.cpp)
set(components mano_surrogate mano_displacement mano_solver mano_datagen mano_core)
foreach(component ${components})
  list(APPEND archives $<TARGET_FILE:${component}>)
endforeach()
# All of every archive; then the components once more for what they link, the surrogate first: Torch's libraries must precede
# PETSc's (apps/CMakeLists.txt).
target_link_libraries(mano_library PRIVATE -Wl,--whole-archive ${archives} -Wl,--no-whole-archive ${components})
add_dependencies(mano_library ${components})
target_include_directories(mano_library INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/mano>)
target_compile_features(mano_library INTERFACE cxx_std_20)
target_link_libraries(mano_library INTERFACE fmt::fmt-header-only)
set_target_properties(mano_library PROPERTIES OUTPUT_NAME mano EXPORT_NAME mano VERSION ${PROJECT_VERSION}
                                              SOVERSION ${PROJECT_VERSION_MAJOR})

install(TARGETS mano_library EXPORT manoTargets)
install(TARGETS mano)
install(EXPORT manoTargets NAMESPACE mano:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/mano)
file(WRITE ${PROJECT_BINARY_DIR}/generated/manoConfig.cmake
  "include(CMakeFindDependencyMacro)\nfind_dependency(fmt)\ninclude(\${CMAKE_CURRENT_LIST_DIR}/manoTargets.cmake)\n")
write_basic_package_version_file(${PROJECT_BINARY_DIR}/generated/manoConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/generated/manoConfig.cmake ${PROJECT_BINARY_DIR}/generated/manoConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/mano)
install(FILES scripts/mano-completion.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME mano)

foreach(header
    core/cell_mask.hpp core/error.hpp core/field.hpp core/norms.hpp core/placed_well.hpp core/resample.hpp core/units.hpp
    solver/correction.hpp solver/darcy_solver.hpp solver/flow.hpp solver/multigrid.hpp solver/problem.hpp solver/stencil.hpp solver/time_of_flight.hpp
    displacement/buckley_leverett.hpp displacement/coarse.hpp displacement/curve.hpp displacement/fluids.hpp displacement/network.hpp
    displacement/simulator.hpp displacement/step_doubling.hpp displacement/total_flow.hpp displacement/transport.hpp
    datagen/dataset.hpp datagen/random_field.hpp
    surrogate/networks/architecture.hpp surrogate/trust/coefficient_statistics.hpp surrogate/evaluate.hpp surrogate/checkpoint/model_card.hpp
    surrogate/multigrid/history_guess.hpp surrogate/surrogate.hpp surrogate/training/train.hpp surrogate/training/train_request.hpp surrogate/trust/calibration.hpp)
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mano/${folder})
endforeach()
