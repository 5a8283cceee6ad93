# CAF 0.17 installs no CMake package of its own.
#
#   find_package(CAF REQUIRED COMPONENTS core io openssl)
#
# defines CAF::core, CAF::io, CAF::openssl for the components asked for.
find_path(CAF_INCLUDE_DIR caf/actor_system.hpp)
set(CAF_VERSION)
if(CAF_INCLUDE_DIR)
  file(STRINGS ${CAF_INCLUDE_DIR}/caf/config.hpp _caf_line REGEX "#define CAF_VERSION +[0-9]+")
  string(REGEX REPLACE ".* ([0-9]+)$" "\\1" _caf_number "${_caf_line}")
  math(EXPR _caf_major "${_caf_number} / 10000")
  math(EXPR _caf_minor "(${_caf_number} / 100) % 100")
  math(EXPR _caf_patch "${_caf_number} % 100")
  set(CAF_VERSION ${_caf_major}.${_caf_minor}.${_caf_patch})
endif()
set(_caf_libraries)
foreach(_component IN LISTS CAF_FIND_COMPONENTS)
  find_library(CAF_${_component}_LIBRARY caf_${_component})
  list(APPEND _caf_libraries CAF_${_component}_LIBRARY)
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  CAF
  REQUIRED_VARS CAF_INCLUDE_DIR ${_caf_libraries}
  VERSION_VAR CAF_VERSION)

if(CAF_FOUND)
  foreach(_component IN LISTS CAF_FIND_COMPONENTS)
    if(NOT TARGET CAF::${_component})
      add_library(CAF::${_component} UNKNOWN IMPORTED)
      set_target_properties(
        CAF::${_component}
        PROPERTIES IMPORTED_LOCATION ${CAF_${_component}_LIBRARY}
                   INTERFACE_INCLUDE_DIRECTORIES ${CAF_INCLUDE_DIR}
                   INTERFACE_LINK_LIBRARIES "$<$<NOT:$<STREQUAL:${_component},core>>:CAF::core>;Threads::Threads")
    endif()
  endforeach()
endif()
