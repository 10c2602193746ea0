#include "apps/workflow/effective_config.hpp"

#include <toml++/toml.h>

#include <sstream>

#include "apps/options/field_source.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "surrogate/networks/model_kinds.hpp"

namespace mano {

namespace {

toml::table table_of(const TrainRequest& r) {
  toml::array data;
  for (const auto& path : r.data) data.push_back(path.string());
  const Architecture& a = r.architecture;
  toml::table t{{"data", data},
                {"model", to_string(a.model)},
                {"task", r.classify ? "classify" : "pressure"},
                {"epochs", r.epochs},
                {"refine-epochs", r.refine_epochs},
                {"refinement", r.refinement},
                {"batch", r.batch},
                {"accumulate", r.accumulate},
                {"precision", r.bfloat16 ? "bf16" : "fp32"},
                {"optimizer", r.optimizer == OptimizerKind::muon ? "muon" : "adamw"},
                {"learning-rate", learning_rate(r)},
                {"weight-decay", weight_decay(r)},
                {"warm-up", r.warm_up},
                {"gradient-clip", r.gradient_clip},
                {"held-out", r.held_out},
                {"symmetry", r.symmetry},
                {"seed", std::to_string(r.seed)},  // TOML's integers have a sign
                {"device", r.device}};
  if (r.correction_steps > 0) t.insert("correction-steps", r.correction_steps);
  if (r.cycles > 0) t.insert("cycles", r.cycles);
  if (r.exchange) t.insert("exchange", true);
  if (r.coarsening > 0) t.insert("coarsening", r.coarsening);
  if (r.max_seconds) t.insert("max-seconds", *r.max_seconds);
  for (const auto& [name, member] : kind_of(a.model).options()) t.insert(name, a.*member);
  if (a.model == Architecture::Model::mano)
    t.insert("sampling", a.sampling == Architecture::Sampling::conv ? "conv" : "avg-pool");
  return t;
}

void insert_fresh(const FreshOptions& o, toml::table& t) {
  const FieldSpec s = FieldSource(o.field).options().spec;
  t.insert("generate", o.field.field);
  t.insert("resolution", o.resolution);
  t.insert("samples", o.samples);
  t.insert("problem", o.problem_name);
  t.insert("field-seed", std::to_string(o.field.seed));
  t.insert("phases", fmt::format("{},{}", s.low, s.high));
  t.insert("mean", s.mean);
  t.insert("deviation", s.deviation);
  if (s.kind != "two-phase")
    t.insert("correlation-length", fmt::format("{}x{}", s.correlation_length_x, s.correlation_length_y));
  else if (s.phase_length != FieldSpec{}.phase_length)
    t.insert("correlation-length", fmt::format("{}", s.phase_length));
  t.insert("smoothness", s.smoothness);
  t.insert("layers", s.layers);
  t.insert("channels", s.channels);
  t.insert("channel-width", s.channel_width);
  t.insert("contrast", s.contrast);
  if (!o.field.size.empty()) t.insert("size", o.field.size);
}

}  // namespace

void write_effective_config(const TrainRequest& request, const FreshOptions& fresh) {
  std::ostringstream text;
  toml::table table = table_of(request);
  if (request.fresh) {
    table.erase("data");
    insert_fresh(fresh, table);
  }
  text << "# mano train --config " << (request.run / "config.toml").string()
       << " -o RUN repeats this training\n"
       << table << "\n";
  write_text_atomically(request.run / "config.toml", text.str());
}

}  // namespace mano
