#pragma once

#include "definitions/expression_node.hpp"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace pinion {

/// The arguments of a call by position of the parameter; absent ones are empty.
using builtin_arguments = std::vector<std::optional<expression_value>>;

struct builtin {
  std::string_view name;
  std::vector<std::string_view> parameters;
  std::size_t required = 0; ///< So many of the first parameters must be given.
  /// Position of the parameter that takes the time to start from (the slot, if absent): the value
  /// of a pipe and a positional instant go there. -1: not a function of time.
  int of = -1;
  result<expression_value> (*run)(builtin_arguments& given, const name_scope& scope) = nullptr;
};

/// Functions of text, numbers, lists and maps; of time.
std::span<const builtin> value_builtins();
std::span<const builtin> time_builtins();

bool is_builtin(std::string_view name);
std::vector<std::string_view> builtin_names();

/// What is wrong with number and names of a call's arguments, or with a constant date pattern; an
/// empty message if nothing is.
problem check_call(const expression_node& call);

/// Runs the call on its evaluated arguments, in the order in which they were written.
result<expression_value> run_call(const expression_node& call,
                                  std::vector<expression_value> arguments, const name_scope& scope);

} // namespace pinion
