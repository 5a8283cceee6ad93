#include "pinion/execution/launcher_client.hpp"

#include "execution/launcher_starter.hpp"
#include "execution/protocol.hpp"
#include "execution/staging.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>
#include <poll.h>
#include <set>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace pinion {

namespace {

using command = std::variant<start_request, wire::inquire, wire::stop, wire::acknowledge>;

constexpr duration first_delay = std::chrono::milliseconds{50};
constexpr duration longest_delay = std::chrono::seconds{5};
/// Without room, descriptors or memory nothing can be staged or collected: that passes.
constexpr duration again_after = std::chrono::milliseconds{100};
constexpr int most_stagings = 300;

class local_launcher final : public launcher_port {
public:
  local_launcher(local_launcher_options options, staging files, unique_fd wake)
      : options_{std::move(options)}, files_{std::move(files)}, wake_{std::move(wake)} {}
  ~local_launcher() override { close(); }

  void open(listener to) override {
    listener_ = std::move(to);
    thread_ = std::thread{[this] { run(); }};
  }
  void start(start_request request) override { post(std::move(request)); }
  void inquire(const process_key& key) override { post(wire::inquire{key}); }
  void stop(const process_key& key, duration grace) override { post(wire::stop{key, grace}); }
  void acknowledge(const process_key& key) override { post(wire::acknowledge{key}); }
  void close() override {
    closing_ = true;
    wake();
    if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id())
      thread_.join();
  }

private:
  void post(command what);
  void wake() const noexcept { ::eventfd_write(wake_.get(), 1); }

  // All below runs on the thread.
  void run();
  void wait() const;
  void connect();
  void disconnect(const std::string& why);
  void back_off(const std::string& why);
  void take_commands();
  void take(start_request request);
  void stage(start_request request, int tries);
  void try_again();
  void take(const wire::inquire& what);
  void take(const wire::stop& what);
  void take(const wire::acknowledge& what);
  void receive();
  void handle(wire_message message);
  void welcomed(const wire::welcome& by);
  void ended(wire::ended what);
  void unknown(const process_key& key);
  void send(const wire_message& message);
  void flush();
  template <class Event>
  void tell(Event event) const {
    if (!closing_)
      listener_(launcher_event{std::move(event)});
  }
  void warn(const std::string& what) const {
    if (options_.warn)
      options_.warn(what);
  }

  const local_launcher_options options_;
  staging files_;
  listener listener_;
  unique_fd wake_;
  std::thread thread_;
  std::atomic<bool> closing_{false};
  std::mutex mutex_;
  std::vector<command> posted_;

  unique_fd socket_;
  frame_buffer in_;
  std::string out_;
  bool welcome_ = false;
  pid_t launcher_ = 0;
  steady_instant next_try_{};
  duration delay_ = first_delay;
  // What was asked for and not answered: asked again at the next connection, and harmless if it
  // was answered in vain, because the launcher's journal starts a key once.
  std::map<process_key, wire::start> starts_;
  std::map<process_key, duration> stops_;
  std::set<process_key> inquiries_;
  std::set<process_key> acknowledged_;
  /// Starts whose files could not be made. Only the launcher knows whether the key runs already,
  /// from an earlier call: they end as not started once it says that it does not.
  std::map<process_key, std::string> unstaged_;
  // What could not be done yet, for want of room, descriptors or memory, and when it is tried
  // again.
  struct waiting_start {
    start_request request;
    int tries = 0;
  };
  std::map<process_key, waiting_start> waiting_starts_;
  std::map<process_key, wire::ended> waiting_ends_;
  steady_instant again_at_ = steady_instant::max();
};

void local_launcher::post(command what) {
  bool first = false;
  {
    const std::lock_guard lock{mutex_};
    first = posted_.empty();
    posted_.push_back(std::move(what));
  }
  if (first)
    wake();
}

void local_launcher::run() {
  while (!closing_) {
    if (!socket_ && steady_now() >= next_try_)
      connect();
    take_commands();
    if (steady_now() >= again_at_)
      try_again();
    flush();
    wait();
    if (socket_)
      receive();
  }
  // What was asked for before `close` is still brought: an acknowledgement spares the next engine a
  // report.
  take_commands();
  flush();
}

void local_launcher::wait() const {
  pollfd watched[2]{{wake_.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}};
  if (!out_.empty())
    watched[1].events = POLLIN | POLLOUT;
  // Unconnected, and no command to bring: nothing is lost by looking again in a while.
  const auto until = socket_ ? again_at_ : std::min(again_at_, next_try_);
  int timeout = -1;
  if (until != steady_instant::max()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_now());
    timeout = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
  }
  ::poll(watched, socket_ ? 2 : 1, timeout);
}

void local_launcher::connect() {
  auto made = connect_launcher(options_.data_dir);
  if (!made) {
    if (const auto started = start_launcher(options_.launcher_command, options_.data_dir); !started)
      return back_off(started.assume_error().message);
    made = connect_launcher(options_.data_dir);
  }
  if (!made)
    return back_off(made.assume_error().message);
  socket_ = std::move(made).assume_value();
  in_ = {};
  out_.clear();
  welcome_ = false;
  append_frame(out_, wire::hello{protocol_min, protocol_max, options_.epoch});
}

void local_launcher::back_off(const std::string& why) {
  // Another launcher may just be coming or going: only what lasts is worth a sentence.
  if (delay_ > 2 * first_delay)
    warn(why);
  next_try_ = steady_now() + delay_;
  delay_ = std::min(2 * delay_, longest_delay);
}

void local_launcher::disconnect(const std::string& why) {
  socket_.reset();
  out_.clear();
  if (!welcome_)
    return back_off(why);
  welcome_ = false;
  warn(why);
  // Where we are the first process of a container, an orphan that dies is ours to reap.
  if (launcher_ > 1)
    ::waitpid(launcher_, nullptr, WNOHANG);
  next_try_ = steady_now();
  tell(launcher_event::disconnected{});
}

void local_launcher::take_commands() {
  eventfd_t count = 0;
  ::eventfd_read(wake_.get(), &count);
  std::vector<command> taken;
  {
    const std::lock_guard lock{mutex_};
    taken.swap(posted_);
  }
  for (auto& what : taken) {
    std::visit([this](auto& each) { take(std::move(each)); }, what);
    // The launcher starts the first while we stage the second.
    flush();
  }
}

void local_launcher::take(start_request request) { stage(std::move(request), 1); }

void local_launcher::stage(start_request request, int tries) {
  const auto key = request.key;
  if (options_.may_start && !options_.may_start()) {
    waiting_starts_[key] = {std::move(request), tries - 1};
    again_at_ = std::min(again_at_, steady_now() + again_after);
    return;
  }
  auto staged = files_.stage(request);
  if (!staged && staged.assume_error().code == errc::unavailable && tries < most_stagings) {
    waiting_starts_[key] = {std::move(request), tries};
    again_at_ = std::min(again_at_, steady_now() + again_after);
    return;
  }
  if (!staged) {
    unstaged_[key] = staged.assume_error().message;
    return take(wire::inquire{key});
  }
  send(staged.assume_value());
  starts_[key] = std::move(staged).assume_value();
}

void local_launcher::try_again() {
  again_at_ = steady_instant::max();
  for (auto& [key, waiting] : std::exchange(waiting_ends_, {}))
    ended(std::move(waiting));
  for (auto& [key, waiting] : std::exchange(waiting_starts_, {}))
    stage(std::move(waiting.request), waiting.tries + 1);
}

void local_launcher::take(const wire::inquire& what) {
  if (waiting_starts_.count(what.key) != 0)
    return; // What becomes of it will be told.
  inquiries_.insert(what.key);
  send(what);
}

void local_launcher::take(const wire::stop& what) {
  if (waiting_starts_.erase(what.key) != 0)
    unstaged_[what.key] = "stopped before it could start";
  stops_[what.key] = what.grace;
  send(what);
}

void local_launcher::take(const wire::acknowledge& what) {
  files_.release(what.key);
  // The launcher forgets the key: whatever was still to be asked about it must not come after.
  starts_.erase(what.key);
  waiting_starts_.erase(what.key);
  waiting_ends_.erase(what.key);
  unstaged_.erase(what.key);
  inquiries_.erase(what.key);
  stops_.erase(what.key);
  if (!welcome_)
    acknowledged_.insert(what.key);
  send(what);
}

void local_launcher::send(const wire_message& message) {
  if (welcome_)
    append_frame(out_, message);
}

void local_launcher::flush() {
  std::size_t sent = 0;
  while (socket_ && sent < out_.size()) {
    const auto put = ::send(socket_.get(), out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      break; // Full, or broken: reading tells which.
    sent += static_cast<std::size_t>(put);
  }
  out_.erase(0, sent);
}

void local_launcher::receive() {
  char block[64U << 10U];
  const auto got = ::recv(socket_.get(), block, sizeof block, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (got <= 0)
    return disconnect("the launcher is gone");
  in_.append({block, static_cast<std::size_t>(got)});
  while (socket_ && !closing_) {
    auto message = in_.next();
    if (!message)
      return disconnect("the launcher sent what is no message: " + message.assume_error().message);
    if (!message.assume_value())
      return;
    handle(std::move(*message.assume_value()));
  }
}

void local_launcher::handle(wire_message message) {
  if (const auto* welcome = std::get_if<wire::welcome>(&message)) {
    welcomed(*welcome);
  } else if (const auto* refused = std::get_if<wire::refused>(&message)) {
    disconnect("the launcher refused: " + refused->why);
    delay_ = std::min(2 * delay_, longest_delay);
    next_try_ = steady_now() + delay_;
  } else if (const auto* started = std::get_if<wire::started>(&message)) {
    files_.adopt(started->key, started->slot);
    starts_.erase(started->key);
    inquiries_.erase(started->key);
    unstaged_.erase(started->key);
    tell(launcher_event::started{started->key, started->pid, started->at});
  } else if (auto* end = std::get_if<wire::ended>(&message)) {
    ended(std::move(*end));
  } else if (const auto* unclaimed = std::get_if<wire::unknown>(&message)) {
    unknown(unclaimed->key);
  } else if (const auto* rest = std::get_if<wire::reported>(&message)) {
    files_.all_adopted(rest->slots);
  }
}

void local_launcher::welcomed(const wire::welcome& by) {
  welcome_ = true;
  delay_ = first_delay;
  launcher_ = static_cast<pid_t>(by.pid);
  tell(launcher_event::connected{});
  for (const auto& key : acknowledged_)
    send(wire::acknowledge{key});
  acknowledged_.clear();
  for (const auto& [key, request] : starts_)
    send(request);
  for (const auto& key : inquiries_)
    send(wire::inquire{key});
  for (const auto& [key, grace] : stops_)
    send(wire::stop{key, grace});
}

void local_launcher::ended(wire::ended what) {
  starts_.erase(what.key);
  inquiries_.erase(what.key);
  stops_.erase(what.key);
  unstaged_.erase(what.key);
  files_.adopt(what.key, what.slot);
  if (!files_.collect(what.key, what.end)) {
    again_at_ = std::min(again_at_, steady_now() + again_after);
    waiting_ends_[what.key] = std::move(what);
    return;
  }
  tell(launcher_event::ended{what.key, std::move(what.end)});
}

void local_launcher::unknown(const process_key& key) {
  inquiries_.erase(key);
  stops_.erase(key);
  const auto unstaged = unstaged_.find(key);
  if (unstaged == unstaged_.end())
    return tell(launcher_event::unknown{key});
  process_end end;
  end.kind = end_kind::not_started;
  end.message = std::move(unstaged->second);
  end.started_at = end.ended_at = options_.now();
  unstaged_.erase(unstaged);
  tell(launcher_event::ended{key, std::move(end)});
}

} // namespace

result<std::unique_ptr<launcher_port>> make_local_launcher(local_launcher_options options) {
  BOOST_OUTCOME_TRY(path, launcher_socket_path(options.data_dir));
  static_cast<void>(path);
  if (!options.now)
    options.now = wall_now;
  if (options.launcher_command.empty())
    return problem{errc::invalid, "the command that starts a launcher is empty"};
  BOOST_OUTCOME_TRY(files, staging::open(options.data_dir));
  unique_fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake)
    return os_problem("make an eventfd", errno);
  return std::unique_ptr<launcher_port>{
      std::make_unique<local_launcher>(std::move(options), std::move(files), std::move(wake))};
}

} // namespace pinion
