#pragma once

#include "pinion/actors/ports.hpp"

#include <memory>
#include <string>

namespace pinion {

/// The clocks of the host: CLOCK_REALTIME and CLOCK_MONOTONIC. For any thread.
class host_clock final : public clock_port {
public:
  instant wall_now() const noexcept override;
  steady_instant steady_now() const noexcept override;
};

/// The name of the host's time zone: what TZ says, else what /etc/localtime points to; "UTC" where
/// neither names one.
std::string host_zone();

/// Wakes the engine by timerfd, on a thread of its own. A step of the wall clock is noticed by
/// TFD_TIMER_CANCEL_ON_SET (timerfd_create(2)). Throws std::system_error if the kernel has no timer
/// to give.
std::unique_ptr<alarm_port> make_host_alarm();

} // namespace pinion
