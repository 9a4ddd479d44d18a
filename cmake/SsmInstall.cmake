# `cmake --install` gives ssmc, ssm-launch, the runtime library and its header, and what find_package(ssmc) finds them by.
include(CMakePackageConfigHelpers)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/ssmc)
set(programs)
foreach(program ssmc ssm-launch)
  if(TARGET ${program})
    list(APPEND programs ${program})
    # LLVM's libraries stand in a folder of their own.
    set_target_properties(${program} PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  endif()
endforeach()
install(TARGETS runtime runtime_static ${programs} EXPORT ssmc)
install(FILES ${PROJECT_SOURCE_DIR}/runtime/ssm.h TYPE INCLUDE)
install(EXPORT ssmc NAMESPACE ssmc:: FILE ssmcTargets.cmake DESTINATION ${package})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/ssmcConfig.cmake.in ${PROJECT_BINARY_DIR}/ssmcConfig.cmake
  INSTALL_DESTINATION ${package})
# Until 1.0 a minor version may change anything.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ssmcConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ssmcConfig.cmake ${PROJECT_BINARY_DIR}/ssmcConfigVersion.cmake DESTINATION ${package})
