#include "pinion/model/records.hpp"

namespace pinion {

std::string_view to_string(task_mode mode) noexcept {
  switch (mode) {
  case task_mode::normal:
    return "normal";
  case task_mode::frozen:
    return "frozen";
  case task_mode::dry:
    return "dry";
  }
  return "unknown";
}

std::string_view to_string(attempt_state state) noexcept {
  switch (state) {
  case attempt_state::ready:
    return "ready";
  case attempt_state::running:
    return "running";
  case attempt_state::checking:
    return "checking";
  case attempt_state::ended:
    return "ended";
  case attempt_state::waiting:
    return "waiting";
  }
  return "unknown";
}

std::string_view to_string(slot_outcome outcome) noexcept {
  switch (outcome) {
  case slot_outcome::planned:
    return "planned";
  case slot_outcome::fired:
    return "fired";
  case slot_outcome::late:
    return "late";
  case slot_outcome::missed:
    return "missed";
  case slot_outcome::skipped_overlap:
    return "skipped_overlap";
  case slot_outcome::paused:
    return "paused";
  }
  return "unknown";
}

} // namespace pinion
