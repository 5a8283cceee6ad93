#include "gantt_text.hpp"
#include "runs.hpp"
#include "show.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <map>

namespace pinion::ctl {
namespace {

constexpr std::uint64_t most_tasks = 100'000; ///< Of one workflow.

/// A mark for a state that also reads without colour.
const char* mark_of(const std::string& state) {
  static const std::map<std::string, const char*> marks{
      {"success", "✔"},  {"failed", "✘"},    {"upstream_failed", "✘"}, {"cancelled", "⊘"},
      {"skipped", "↷"},  {"running", "▶"},   {"async_running", "▶"},   {"dqc_check", "▶"},
      {"stopping", "◼"}, {"ready", "▷"},     {"pre_ready", "▷"},       {"retry_wait", "↻"},
      {"waiting", "○"},  {"triggered", "○"}, {"pre_trigger", "·"}};
  const auto found = marks.find(state);
  return found == marks.end() ? "○" : found->second;
}

/// " 3/20 success" for a fan-out.
std::string fan_out_text(const json& node) {
  if (!node.value("fan_out", false))
    return {};
  const auto& counts = node["counts"];
  if (!counts.is_object())
    return " [fan-out]";
  std::uint64_t all = 0;
  for (const auto& [state, count] : counts.items())
    all += count.get<std::uint64_t>();
  return " [" + std::to_string(counts.value("success", std::uint64_t{0})) + '/' +
         std::to_string(all) + ']';
}

/// "⏹ at the end of a run that is failed", of an end task.
std::string end_text(const json& node, const char* before) {
  std::string outcomes;
  for (const auto& outcome : node["end_of"])
    outcomes += (outcomes.empty() ? "" : " or ") + outcome.get<std::string>();
  return outcomes.empty() ? "" : before + ("⏹ at the end, if the run is " + outcomes);
}

std::string needs_text(const json& node) {
  std::string text;
  for (const auto& name : node["needs"])
    text += (text.empty() ? "← " : ", ") + name.get<std::string>();
  if (!node["fallback_of"].is_null())
    text = "↩ fallback of " + node["fallback_of"].get<std::string>();
  return text + end_text(node, text.empty() ? "" : "  ");
}

/// "dw.orders/load (r12 success)"
std::string outside_text(const json& need, const char* task_key) {
  auto text = text_of(need, "workflow");
  if (const auto task = text_of(need, task_key); !task.empty())
    text += '/' + task;
  const auto run = text_of(need, "run");
  const auto state = text_of(need, "state");
  if (const auto slot = text_of(need, "slot"); !slot.empty() && run.empty())
    text += '@' + slot;
  if (!run.empty() || !state.empty())
    text += " (" + run + (run.empty() || state.empty() ? "" : " ") + state + ')';
  return text;
}

/// What lies in other workflows: what is needed, then what needs this.
void draw_across(console& out, const json& graph) {
  if (!graph.contains("across"))
    return;
  const auto draw_side = [&](const char* side, const char* title, const char* task_key,
                             const char* arrow) {
    const auto& items = graph["across"][side];
    if (items.empty())
      return;
    out.line(out.bold(title));
    for (const auto& item : items) {
      const auto own = text_of(item, "task");
      out.line("  " + (own.empty() ? "the whole run" : own) + ' ' + arrow + ' ' +
               outside_text(item, task_key));
    }
  };
  draw_side("upstream", "needs of other workflows:", "upstream_task", "←");
  draw_side("downstream", "needed by other workflows:", "downstream_task", "→");
}

/// One layer below the other; a task stands below all that it needs.
void draw(console& out, const json& graph) {
  std::map<std::uint64_t, std::vector<const json*>> layers;
  std::size_t width = 0;
  for (const auto& node : graph["nodes"]) {
    layers[node["level"].get<std::uint64_t>()].push_back(&node);
    width = std::max(width, display_width(text_of(node, "task") + fan_out_text(node)));
  }
  const auto run = text_of(graph, "run");
  out.line(out.bold(text_of(graph, "workflow")) +
           (run.empty() ? "" : ' ' + run + ' ' + out.state(text_of(graph, "state"))));
  bool first = true;
  for (const auto& [level, nodes] : layers) {
    if (!std::exchange(first, false))
      out.line(out.dim("  │"));
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const auto& node = *nodes[i];
      const auto state = text_of(node, "state");
      auto name = text_of(node, "task") + fan_out_text(node);
      name.append(width - display_width(name) + 2, ' ');
      auto shown = state.empty() ? text_of(node, "type") : state;
      shown.resize(std::max<std::size_t>(shown.size(), 15), ' ');
      const auto* corner = nodes.size() == 1       ? "  "
                           : i == 0                ? "┌ "
                           : i + 1 == nodes.size() ? "└ "
                                                   : "│ ";
      out.line(out.dim(corner) + mark_of(state) + ' ' + name + out.state(shown) + "  " +
               out.dim(needs_text(node)));
    }
  }
}

std::string quoted(const std::string& text) { return dump(json(text)); }

const char* fill_of(const std::string& state) {
  static const std::map<std::string, const char*> colors{
      {"success", "palegreen"},    {"failed", "salmon"},          {"upstream_failed", "mistyrose"},
      {"running", "lightskyblue"}, {"dqc_check", "lightskyblue"}, {"ready", "lightcyan"},
      {"retry_wait", "khaki"},     {"stopping", "khaki"},         {"cancelled", "khaki"},
      {"skipped", "lightgrey"}};
  const auto found = colors.find(state);
  return found == colors.end() ? "white" : found->second;
}

/// Graphviz: fallbacks hang on dashed edges.
std::string dot_of(const json& graph) {
  std::string text =
      "digraph " + quoted(text_of(graph, "workflow")) + " {\n  node [shape=box, style=filled];\n";
  std::string edges;
  for (const auto& node : graph["nodes"]) {
    const auto name = text_of(node, "task");
    const auto state = text_of(node, "state");
    text += "  " + quoted(name) +
            " [label=" + quoted(name + fan_out_text(node) + (state.empty() ? "" : "\n" + state)) +
            ", fillcolor=" + fill_of(state) + "];\n";
    for (const auto& above : node["needs"])
      edges += "  " + quoted(above.get<std::string>()) + " -> " + quoted(name) + ";\n";
    if (!node["fallback_of"].is_null())
      edges += "  " + quoted(node["fallback_of"].get<std::string>()) + " -> " + quoted(name) +
               " [style=dashed];\n";
  }
  if (graph.contains("across")) {
    const auto other = [&](const json& item, const char* task_key) {
      const auto name = outside_text(item, task_key);
      text += "  " + quoted(name) +
              " [shape=ellipse, fillcolor=" + fill_of(text_of(item, "state")) + "];\n";
      return quoted(name);
    };
    for (const auto& item : graph["across"]["upstream"])
      edges += "  " + other(item, "upstream_task") + " -> " + quoted(text_of(item, "task")) +
               " [style=dotted];\n";
    for (const auto& item : graph["across"]["downstream"]) {
      // What needs the whole run hangs on all of it: drawn once, at its last task.
      const auto own = text_of(item, "task");
      const auto& nodes = graph["nodes"];
      if (!own.empty() || !nodes.empty())
        edges += "  " + quoted(own.empty() ? text_of(nodes.back(), "task") : own) + " -> " +
                 other(item, "downstream_task") + " [style=dotted];\n";
    }
  }
  return text + edges + "}\n";
}

} // namespace

exit_code run_graph(session& now) {
  query values{{"ref", now.args.words.front()}};
  const auto limit = now.args.number("limit", 1, most_tasks);
  // A drawing shows what fits; programs, and the bars of those that took longest, need all.
  if (!now.out.for_people() || now.args.has("gantt"))
    values["limit"] = std::to_string(most_tasks);
  if (limit && !now.args.has("gantt"))
    values["limit"] = std::to_string(*limit);
  for (const auto* side : {"upstream", "downstream"})
    if (const auto steps = now.args.number(side, 0, 100'000))
      values[side] = std::to_string(*steps);
  if (now.args.has("across"))
    values["across"] = "true";
  const auto graph = now.engine.get("/api/v1/graph", values);
  if (now.args.has("gantt") && text_of(graph, "run").empty())
    throw usage_failure("--gantt needs a run", "For example: pinionctl graph --gantt " +
                                                   text_of(graph, "workflow") + "@latest");
  auto& out = now.out;
  switch (out.chosen()) {
  case format::as_json:
  case format::yaml:
    out.document(graph);
    break;
  case format::dot:
    out.raw(dot_of(graph));
    break;
  case format::name:
    for (const auto& node : graph["nodes"])
      out.line(text_of(node, "task"));
    break;
  case format::table:
  case format::wide:
    if (now.args.has("gantt")) {
      for (const auto& line : gantt_text(out, graph, terminal_size().columns, limit.value_or(60)))
        out.line(line);
      break;
    }
    draw(out, graph);
    draw_across(out, graph);
    if (const auto more = graph.value("more", std::uint64_t{0}); more > 0)
      out.note((more == 1 ? "There is 1 task" : "There are " + std::to_string(more) + " tasks") +
               " more: --limit N, or an instance with --upstream and --downstream");
    break;
  }
  return exit_code::done;
}

} // namespace pinion::ctl
