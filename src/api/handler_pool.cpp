#include "pinion/api/handler_pool.hpp"

#include "api/quiet_thread.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace pinion {

struct handler_pool::parts {
  std::mutex guard;
  std::condition_variable wake;
  std::deque<std::function<void()>> queue;
  std::vector<std::thread> threads;
  bool stopping = false;

  void run() {
    std::unique_lock lock{guard};
    while (true) {
      wake.wait(lock, [this] { return stopping || !queue.empty(); });
      if (stopping)
        return;
      auto work = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      work();
      work = nullptr; // What it captured goes outside the lock.
      lock.lock();
    }
  }
};

handler_pool::handler_pool(unsigned threads) : parts_{std::make_unique<parts>()} {
  for (unsigned i = 0; i < threads; ++i)
    parts_->threads.push_back(quiet_thread([shared = parts_.get()] { shared->run(); }));
}

handler_pool::~handler_pool() { stop(); }

void handler_pool::post(std::function<void()> work) {
  const std::lock_guard lock{parts_->guard};
  if (parts_->stopping)
    return;
  parts_->queue.push_back(std::move(work));
  parts_->wake.notify_one();
}

void handler_pool::stop() {
  {
    const std::lock_guard lock{parts_->guard};
    parts_->stopping = true;
    parts_->wake.notify_all();
  }
  for (auto& thread : parts_->threads)
    thread.join();
  parts_->threads.clear();
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard lock{parts_->guard};
    dropped.swap(parts_->queue);
  }
}

} // namespace pinion
