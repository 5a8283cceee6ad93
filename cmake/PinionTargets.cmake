# What every target of the project shares, and the two ways in which targets are made.

# Flags live on a target; CMAKE_CXX_FLAGS belongs to presets and packagers.
add_library(pinion_options INTERFACE)
target_compile_features(pinion_options INTERFACE cxx_std_20)
target_compile_options(pinion_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
target_link_options(pinion_options INTERFACE -fuse-ld=mold)
# g++ 12 warns of std::string's own copies (GCC bugs 105329, 105651); where the standard library comes
# out of a precompiled header it no longer counts as a system header, and the warnings show.
target_compile_options(
  pinion_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-stringop-overflow>)

# What most sources include, of the standard library and of Outcome: half of their compile time. Only
# headers that do not change; each source still includes what it uses, which `./dev lint` checks.
set(pinion_common_headers
    <boost/outcome/basic_result.hpp>
    <boost/outcome/policy/all_narrow.hpp>
    <boost/outcome/try.hpp>
    <algorithm>
    <array>
    <charconv>
    <chrono>
    <cstdint>
    <deque>
    <functional>
    <map>
    <memory>
    <optional>
    <set>
    <span>
    <string>
    <string_view>
    <unordered_map>
    <utility>
    <variant>
    <vector>)

# With PINION_MUTATIONS the sources that have places for faults made on purpose are told so: see
# pinion/model/mutation.hpp.
function(pinion_mutate)
  foreach(source ${ARGN})
    file(STRINGS ${source} places REGEX "PINION_MUTATION" LIMIT_COUNT 1)
    if(places)
      set_source_files_properties(${source} PROPERTIES COMPILE_DEFINITIONS PINION_MUTATIONS)
    endif()
  endforeach()
endfunction()

# pinion_layer(NAME SOURCES a.cpp ... [PUBLIC lib ...] [PRIVATE lib ...] [PRECOMPILE <header> ...])
# One library a folder of src/: public headers lie in include/pinion/NAME, the rest in src/NAME.
function(pinion_layer name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE;PRECOMPILE" ${ARGN})
  add_library(pinion_${name} STATIC ${arg_SOURCES})
  target_include_directories(
    pinion_${name}
    PUBLIC ${CMAKE_SOURCE_DIR}/include
    PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(
    pinion_${name}
    PUBLIC ${arg_PUBLIC}
    PRIVATE pinion_options ${arg_PRIVATE})
  if(PINION_MUTATIONS)
    pinion_mutate(${arg_SOURCES})
  endif()
  target_precompile_headers(pinion_${name} PRIVATE ${pinion_common_headers} ${arg_PRECOMPILE})
endfunction()
