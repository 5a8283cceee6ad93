#pragma once

#include "bench_case.hpp"

#include <map>
#include <string>
#include <vector>

namespace pinion::bench {

/// All values of all rounds, by quantity.
using samples = std::map<std::string, std::vector<double>, std::less<>>;

double median(std::vector<double> values);

/// A table for people: median (min..max), floor, ratio, expectation.
std::string table_of(const samples& measured);

/// One JSON document: machine, date, and for each quantity unit, median, min, max, values, floor,
/// ratio and expectation.
std::string json_of(const samples& measured, const std::string& machine, bool quick);

} // namespace pinion::bench
