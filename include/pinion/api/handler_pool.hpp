#pragma once

#include <functional>
#include <memory>

namespace pinion {

/// The threads on which handlers run: they may block on the store, so that neither the connections
/// nor the engine's threads have to.
class handler_pool {
public:
  /// `threads` from 1.
  explicit handler_pool(unsigned threads);
  /// As `stop`.
  ~handler_pool();
  handler_pool(const handler_pool&) = delete;
  handler_pool& operator=(const handler_pool&) = delete;

  /// Runs `work` soon, on one of the threads. From any thread; after `stop` the work is dropped.
  void post(std::function<void()> work);

  /// Lets what runs end, drops the rest and joins the threads. Not from one of them.
  void stop();

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

} // namespace pinion
