#pragma once

#include "pinion/model/definition.hpp"
#include "pinion/timing/problem.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pinion {

/// The effective parameters of a run as a JSON object in the order of names: given values over
/// those of the trigger (its id; none for a manual run) over defaults. Text for a parameter of
/// another type is converted ("3" to an integer, "true" to a boolean, JSON text to a list or map).
/// Fails with `errc::invalid` for a name that the workflow does not declare (with the nearest one
/// as suggestion), a wrong type, a value outside `enum`, `min` or `max`, or a required one that is
/// missing; `errc::not_found` for an unknown trigger. Reserved ids (`@manual` ...) have no values
/// of their own.
result<json_text> resolve_params(const workflow_definition& workflow,
                                 const std::optional<std::string>& trigger,
                                 const json_text& given = "{}");

/// Checks one value against its declaration, with the same conversions, and returns it in the
/// declared type. For defaults and trigger values at load too.
result<json_text> convert_param(const param_definition& param, const json_text& value);

} // namespace pinion
