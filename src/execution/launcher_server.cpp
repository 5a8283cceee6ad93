#include "execution/launcher_server.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pinion {

namespace {

/// More than one is a mistake or a changing of the guard.
constexpr std::size_t most_connections = 8;
/// A reader that is so far behind is gone; what it missed is told at the next connection.
constexpr std::size_t most_unsent_bytes = 64U << 20U;
constexpr duration folder_check_every = std::chrono::seconds{2};
/// Between two tries to take a connection while there is no descriptor or memory for it.
constexpr duration accept_again_after = std::chrono::milliseconds{100};

bool watch(int poll, int fd, std::uint32_t events, void* who, int operation = EPOLL_CTL_ADD) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = who;
  return ::epoll_ctl(poll, operation, fd, &event) == 0;
}

/// The other end belongs to our user or to root.
bool is_ours(int fd) {
  ucred who{};
  socklen_t size = sizeof who;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
         (who.uid == ::geteuid() || who.uid == 0);
}

} // namespace

launcher_server::launcher_server(const launcher_options& options, launch_journal journal,
                                 cgroup_pool cgroups, const launch_journal::history& former,
                                 launcher_descriptors with)
    : options_{options}, journal_{std::move(journal)}, socket_{std::move(with.socket)},
      signals_{std::move(with.signals)}, poll_{std::move(with.poll)},
      keeper_{options_, journal_, std::move(cgroups), former,
              [this](const wire_message& message) { send(message); }},
      folder_{options_.data_dir}, busy_at_{steady_now()} {}

result<void> launcher_server::begin() {
  if (!watch(poll_.get(), socket_.get(), EPOLLIN, &socket_) ||
      !watch(poll_.get(), signals_.get(), EPOLLIN, &signals_))
    return os_problem("watch the launcher's descriptors", errno);
  return ok();
}

void launcher_server::run() {
  while (!finished()) {
    epoll_event events[64];
    const auto count = ::epoll_wait(poll_.get(), events, 64, wait_ms());
    bool signalled = false;
    for (int i = 0; i < count; ++i) {
      const auto& event = events[i];
      if (event.data.ptr == &socket_)
        accept_all();
      else if (event.data.ptr == &signals_)
        signalled = true;
      else
        read_from(*static_cast<connection*>(event.data.ptr));
    }
    // After the commands: a stop that came before the end of its process is seen to have come
    // before.
    if (signalled)
      take_signals();
    keeper_.tick(steady_now());
    resume_accepting();
    flush_all();
  }
}

int launcher_server::wait_ms() const {
  const auto now = steady_now();
  auto until = std::min({keeper_.next_wake(), folder_check_at_, accept_at_});
  if (connections_.empty() && keeper_.nothing_known())
    until = std::min(until, busy_at_ + options_.idle);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

bool launcher_server::finished() {
  const auto now = steady_now();
  if (now >= folder_check_at_) {
    folder_check_at_ = now + folder_check_every;
    folder_lost_ = folder_.is_gone();
  }
  if (folder_lost_) {
    // Nobody can be told of these tasks any more, and nothing keeps them from being started again.
    keeper_.kill_all();
    ending_ = true;
  }
  if (ending_)
    return keeper_.nothing_alive();
  if (!connections_.empty() || !keeper_.nothing_known()) {
    busy_at_ = now;
    return false;
  }
  return now >= busy_at_ + options_.idle;
}

void launcher_server::accept_all() {
  while (true) {
    unique_fd fd{::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!fd && errno == EINTR)
      continue;
    if (!fd) {
      if (errno == EAGAIN || errno == ECONNABORTED)
        return;
      // It goes on waiting, and would wake us at once.
      watch(poll_.get(), socket_.get(), 0, &socket_, EPOLL_CTL_MOD);
      accept_at_ = steady_now() + accept_again_after;
      return;
    }
    if (connections_.size() >= most_connections || !is_ours(fd.get()))
      continue;
    auto& made = connections_.emplace_back();
    made.fd = std::move(fd);
    if (!watch(poll_.get(), made.fd.get(), EPOLLIN, &made))
      connections_.pop_back();
  }
}

void launcher_server::resume_accepting() {
  if (steady_now() < accept_at_)
    return;
  accept_at_ = steady_instant::max();
  watch(poll_.get(), socket_.get(), EPOLLIN, &socket_, EPOLL_CTL_MOD);
}

void launcher_server::read_from(connection& from) {
  char block[64U << 10U];
  while (!from.closing) {
    const auto got = ::recv(from.fd.get(), block, sizeof block, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 && errno == EAGAIN)
      return;
    if (got <= 0) {
      from.closing = true;
      from.out.clear();
      return;
    }
    from.in.append({block, static_cast<std::size_t>(got)});
    while (!from.closing) {
      auto message = from.in.next();
      if (!message) {
        refuse(from, message.assume_error().message);
        return;
      }
      if (!message.assume_value())
        break;
      handle(from, *message.assume_value());
    }
    // One block a turn: a connection that floods must not keep exits and timers waiting.
    if (got < static_cast<ssize_t>(sizeof block))
      return;
    keeper_.tick(steady_now());
  }
}

void launcher_server::handle(connection& from, const wire_message& message) {
  if (const auto* hello = std::get_if<wire::hello>(&message))
    return greet(from, *hello);
  if (!from.greeted)
    return refuse(from, "the first message must be hello");
  if (from.epoch < journal_.known().epoch)
    return refuse(from, "epoch " + std::to_string(from.epoch) + " is over: an engine of epoch " +
                            std::to_string(journal_.known().epoch) + " has come");
  const auto* start = std::get_if<wire::start>(&message);
  // Not answered: the engine asks the next launcher again. It would hold up our end for its whole
  // life, and go on unasked for.
  if (start != nullptr && ending_)
    return refuse(from, "this launcher was told to end");
  if (start != nullptr)
    keeper_.start(*start);
  else if (const auto* inquire = std::get_if<wire::inquire>(&message))
    keeper_.inquire(inquire->key);
  else if (const auto* stop = std::get_if<wire::stop>(&message))
    keeper_.stop(stop->key, stop->grace);
  else if (const auto* acknowledge = std::get_if<wire::acknowledge>(&message))
    keeper_.acknowledge(acknowledge->key);
  else if (std::get_if<wire::renew>(&message) != nullptr)
    keeper_.renew_leases();
  else
    refuse(from, "this message is the launcher's to send");
}

void launcher_server::greet(connection& from, const wire::hello& hello) {
  const auto version = std::min(hello.max_version, protocol_max);
  if (version < std::max(hello.min_version, protocol_min))
    return refuse(from, "this launcher speaks versions " + std::to_string(protocol_min) + " to " +
                            std::to_string(protocol_max) + " of its protocol, not " +
                            std::to_string(hello.min_version) + " to " +
                            std::to_string(hello.max_version));
  if (hello.epoch < journal_.known().epoch)
    return refuse(from, "epoch " + std::to_string(hello.epoch) + " is over: an engine of epoch " +
                            std::to_string(journal_.known().epoch) + " has come");
  if (hello.epoch > journal_.known().epoch)
    if (const auto raised = journal_.raise_epoch(hello.epoch); !raised)
      return refuse(from, raised.assume_error().message);
  for (auto& other : connections_)
    if (&other != &from && other.greeted && !other.closing)
      refuse(other, "another engine has connected");
  from.greeted = true;
  from.epoch = hello.epoch;
  append_frame(from.out, wire::welcome{version, ::getpid()});
  keeper_.report_all();
}

void launcher_server::refuse(connection& to, std::string why) {
  append_frame(to.out, wire::refused{std::move(why)});
  to.closing = true;
}

void launcher_server::send(const wire_message& message) {
  for (auto& to : connections_)
    if (to.greeted && !to.closing)
      append_frame(to.out, message);
}

void launcher_server::flush(connection& to) {
  std::size_t sent = 0;
  while (sent < to.out.size()) {
    const auto put = ::send(to.fd.get(), to.out.data() + sent, to.out.size() - sent, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0) {
      to.closing = to.closing || errno != EAGAIN;
      break;
    }
    sent += static_cast<std::size_t>(put);
  }
  to.out.erase(0, sent);
  to.closing = to.closing || to.out.size() > most_unsent_bytes;
  const auto wants_write = !to.out.empty();
  if (wants_write == to.wants_write)
    return;
  to.wants_write = wants_write;
  const auto events = EPOLLIN | (wants_write ? EPOLLOUT : 0U);
  watch(poll_.get(), to.fd.get(), static_cast<std::uint32_t>(events), &to, EPOLL_CTL_MOD);
}

void launcher_server::flush_all() {
  for (auto at = connections_.begin(); at != connections_.end();) {
    auto& to = *at;
    if (!to.out.empty())
      flush(to);
    at = to.closing ? connections_.erase(at) : std::next(at);
  }
}

void launcher_server::take_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info)
    if (info.ssi_signo != SIGCHLD && !ending_) {
      ending_ = true;
      keeper_.stop_all();
    }
  keeper_.reap();
}

} // namespace pinion
