// mano benchmark: speed and memory of the model on this machine, against the form that its paper writes down and against a
// floor.
//
//   mano benchmark --quick
//   mano benchmark --json benchmark.json --picture benchmark.png

#include "surrogate/benchmark.hpp"

#include <algorithm>
#include <map>

#include "apps/options/command_line.hpp"
#include "apps/pictures/curve.hpp"
#include "core/error.hpp"
#include "core/version.hpp"

namespace mano {

namespace {

struct BenchmarkOptions {
  BenchmarkRequest request;
  std::vector<std::string> presets, forms;
  std::vector<int> sizes;
  std::string json, picture;
  bool quick = false;
};

// The windowed form's row of the same preset and size, or null.
const BenchmarkRow* rival(const std::vector<BenchmarkRow>& rows, const BenchmarkRow& row) {
  for (const BenchmarkRow& r : rows) {
    if (r.form == Form::windowed && r.preset == row.preset && r.size == row.size) return &r;
  }
  return nullptr;
}

std::string per_token(const BenchmarkRow& row, double seconds, double floor, double rival_seconds) {
  std::string text = fmt::format("{:7.3g} us", 1e6 * seconds / row.tokens());
  text += floor > 0 ? fmt::format(" {:4.0f} %", 100 * floor / seconds) : std::string(7, ' ');
  return text + (rival_seconds > 0 ? fmt::format(" {:5.3g}x", rival_seconds / seconds) : std::string(7, ' '));
}

std::string line_of(const BenchmarkRow& row, const BenchmarkRow* other) {
  return fmt::format(
      "{:<7} {:<12} {:<12} {}   {}   {:8.0f} MB{}", row.preset, to_string(row.form),
      fmt::format("{0}x{0} x {1}", row.size, row.batch),
      per_token(row, row.inference_seconds, row.inference_floor,
                other != nullptr ? other->inference_seconds : 0.0),
      per_token(row, row.step_seconds, row.step_floor, other != nullptr ? other->step_seconds : 0.0),
      row.step_bytes / 1e6,
      other != nullptr ? fmt::format(" {:5.3g}x", other->step_bytes / row.step_bytes) : "");
}

nlohmann::json json_of(const Benchmark& b) {
  nlohmann::json rows = nlohmann::json::array();
  for (const BenchmarkRow& r : b.rows) {
    rows.push_back({{"preset", r.preset},
                    {"form", to_string(r.form)},
                    {"resolution", {r.size, r.size}},
                    {"batch", r.batch},
                    {"inference",
                     {{"milliseconds", 1e3 * r.inference_seconds},
                      {"microseconds_per_token", 1e6 * r.inference_seconds / r.tokens()},
                      {"share_of_floor", r.inference_floor / r.inference_seconds},
                      {"peak_bytes", r.inference_bytes}}},
                    {"training_step",
                     {{"milliseconds", 1e3 * r.step_seconds},
                      {"microseconds_per_token", 1e6 * r.step_seconds / r.tokens()},
                      {"share_of_floor", r.step_floor / r.step_seconds},
                      {"peak_bytes", r.step_bytes}}},
                    {"relative_difference", r.difference}});
  }
  nlohmann::json attentions = nlohmann::json::array();
  for (const auto& a : b.attentions)
    attentions.push_back({{"dim_head", a.dim_head},
                          {"bfloat16", a.bfloat16},
                          {"forward_bytes_per_second", a.forward},
                          {"backward_bytes_per_second", a.backward}});
  return {{"command", "benchmark"},
          {"version", kVersion},
          {"device", b.machine.device},
          {"machine",
           {{"processor", b.machine.processor},
            {"threads", b.machine.threads},
            {"gemm_flops", b.machine.gemm},
            {"gemm_bfloat16_flops", b.machine.gemm_bfloat16},
            {"copy_bytes_per_second", b.machine.copy}}},
          {"attention",
           {{"forward_bytes_per_second", b.attention}, {"backward_bytes_per_second", b.attention_backward}}},
          {"attentions", attentions},
          {"results", rows},
          {"left_out", b.left_out}};
}

// Seconds and bytes of a training step by tokens of an image, for a batch of one image.
std::vector<std::string> draw(const Benchmark& b, const std::string& path) {
  const std::string preset = b.rows.back().preset;
  std::map<Form, std::pair<Curve, Curve>> curves;
  for (const BenchmarkRow& r : b.rows) {
    if (r.preset != preset) continue;
    auto& [time, memory] = curves[r.form];
    time.title = memory.title = to_string(r.form);
    const double image = static_cast<double>(r.size) * r.size;
    time.x.push_back(image);
    time.y.push_back(r.step_seconds / r.batch);
    memory.x.push_back(image);
    memory.y.push_back(r.step_bytes / r.batch / 1e6);
  }
  CurveChart time{
      .title = fmt::format("Training step, preset {}, {}", preset,
                           b.machine.device == "cpu" ? fmt::format("{} threads of a CPU", b.machine.threads)
                                                     : b.machine.processor),
      .x_label = "tokens of an image",
      .y_label = "seconds an image",
      .log_x = true};
  CurveChart memory = time;
  memory.y_label = "peak memory, MB an image";
  for (const auto& [form, pair] : curves) {
    time.curves.push_back(pair.first);
    memory.curves.push_back(pair.second);
  }
  const std::filesystem::path whole(path);
  const auto beside = whole.parent_path() / (whole.stem().string() + "_memory" + whole.extension().string());
  std::vector<std::string> drawn{draw_chart(whole, time), draw_chart(beside, memory)};
  std::erase(drawn, "");
  return drawn;
}

void say_header() {
  say("share: part of the time that the matrix products alone would take at the rate measured; x: how many "
      "times faster, or smaller, than");
  say("the windowed form, which copies every window's tokens as the paper writes it; memory: peak of "
      "all tensors");
  say("preset  form         images       inference   share      x   training step, a token       memory of a "
      "step");
}

constexpr std::pair<const char*, Form> kForms[] = {{"windowed", Form::windowed},
                                                   {"fused", Form::fused},
                                                   {"bf16", Form::fused_bfloat16},
                                                   {"graph", Form::recorded},
                                                   {"dense", Form::dense}};

std::vector<Form> parse_forms(const std::vector<std::string>& names) {
  std::vector<Form> forms;
  for (const std::string& name : names) {
    const auto found =
        std::find_if(std::begin(kForms), std::end(kForms), [&](const auto& f) { return f.first == name; });
    check(found != std::end(kForms), "--forms has '{}'; expected windowed, fused, bf16, graph or dense",
          name);
    forms.push_back(found->second);
  }
  return forms;
}

void benchmark_command(const BenchmarkOptions& o, const Invocation&) {
  // 1. What is asked for.
  BenchmarkRequest request = o.request;
  if (o.quick) {
    request.sizes = {16, 32};
    request.tokens = 4096;
  }
  if (!o.presets.empty()) request.presets = o.presets;
  if (!o.sizes.empty()) request.sizes = o.sizes;
  for (int size : request.sizes)
    check(size >= 2 && size <= 4096 && (size & (size - 1)) == 0,
          "--sizes has {}; expected powers of two from 2 to 4096, which the windowed form can take", size);
  check(request.tokens > 0, "--tokens is {}; it must be at least 1", request.tokens);
  check(request.repetitions > 0, "--repetitions is {}; it must be at least 1", request.repetitions);
  for (const auto& preset : request.presets) architecture_preset(preset);
  if (!o.forms.empty()) request.forms = parse_forms(o.forms);

  // 2. Measurements; a line each.
  const Benchmark b = run_benchmark(request, [&](const Benchmark& so_far) {
    if (so_far.rows.size() == 1) say_header();
    say(line_of(so_far.rows.back(), rival(so_far.rows, so_far.rows.back())));
    write_json(o.json, json_of(so_far));  // a run that is cut off leaves what it measured
  });

  // 3. Report.
  for (const auto& text : b.left_out) say("left out: " + text);
  const MachineRates& m = b.machine;
  say(fmt::format("{}{}: {:.0f} GFLOP/s in float32 products, {:.0f} in bfloat16, copies at {:.1f} GB/s",
                  m.processor, m.device == "cpu" ? fmt::format(", {} threads", m.threads) : "", m.gemm / 1e9,
                  m.gemm_bfloat16 / 1e9, m.copy / 1e9));
  say(
      fmt::format("attention alone, 256x256, 4 heads of 32: forward {:.1f} GB/s ({:.0f} % of a copy), "
                  "backward {:.1f} GB/s ({:.0f} %)",
                  b.attention / 1e9, 100 * b.attention / m.copy, b.attention_backward / 1e9,
                  100 * b.attention_backward / m.copy));
  for (const auto& a : b.attentions)
    say(fmt::format("the same, 1024x1024, 4 heads of {}{}: forward {:.0f} % of a copy, backward {:.0f} %",
                    a.dim_head, a.bfloat16 ? ", bf16" : "", 100 * a.forward / m.copy,
                    100 * a.backward / m.copy));
  double most = 0.0;
  for (const auto& row : b.rows) most = std::max(most, row.form == Form::windowed ? row.difference : 0.0);
  say(fmt::format("answers compared first: outputs and gradients of both forms agree to {:.0e}", most));
  if (!o.picture.empty()) {
    for (const auto& path : draw(b, o.picture)) say("wrote " + path);
  }
  write_json(o.json, json_of(b));
}

}  // namespace

std::function<void(const Invocation&)> add_benchmark(CLI::App& app) {
  auto o = std::make_shared<BenchmarkOptions>();
  app.add_flag("--quick", o->quick, "Small batches, once: under a minute");
  app.add_option("--preset", o->presets,
                 "small-published, large-published, paper, or several [small-published,paper]")
      ->delimiter(',');
  app.add_option("--forms", o->forms, "windowed, fused, bf16, graph (on a GPU), dense [all]")->delimiter(',');
  app.add_option("--sizes", o->sizes, "Sides of square images [16,32,64,128,256,512]")->delimiter(',');
  app.add_option("--tokens", o->request.tokens, fmt::format("Tokens of a batch [{}]", o->request.tokens));
  app.add_option(
      "--repetitions", o->request.repetitions,
      fmt::format("Repetitions of each measurement; the best counts [{}]", o->request.repetitions));
  app.add_option("--device", o->request.device, "cpu, cuda or auto [cpu]");
  app.add_option("--picture", o->picture, "Draw time and memory by tokens")->type_name("FILE.png");
  add_json_option(app, o->json);
  return [o](const Invocation& invocation) { benchmark_command(*o, invocation); };
}

}  // namespace mano
