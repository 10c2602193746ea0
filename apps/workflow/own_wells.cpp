#include "apps/workflow/own_wells.hpp"

#include "apps/options/command_line.hpp"
#include "apps/options/well_option.hpp"
#include "core/error.hpp"

namespace mano {

void add_own_well_options(CLI::App& app, OwnWellOptions& o) {
  const std::string group = "Of a model whose samples have wells of their own";
  app.add_option("--well", o.wells,
                 "X,Y,rate=RATE (into the rock) or X,Y,bhp=PRESSURE,radius=R; may be repeated")
      ->type_name("WELL")
      ->take_all()
      ->group(group);
  app.add_option("--random-wells", o.random_wells,
                 "Random wells of each sample, as in mano generate [those of the training data]")
      ->type_name("WELLS")
      ->group(group);
}

void refuse_beside_data(const OwnWellOptions& o) {
  check(!o.given(), "--data has its own wells: leave --well and --random-wells out");
}

OwnWells::OwnWells(const DisplacementModel& model, const OwnWellOptions& o)
    : source_(model.source_with(model.source().flow().has_own_wells() ? o.random_wells : "")) {
  check(o.wells.empty() || o.random_wells.empty(), "--well and --random-wells exclude each other");
  check(
      !o.given() || source_.flow().has_own_wells(),
      "--well and --random-wells: the model knows the wells of its training data alone, which were the same "
      "in all samples; leave them out, or train on data of mano generate --random-wells");
  for (const std::string& text : o.wells) given_.push_back(placed_well(parse_well(text)));
}

Sample OwnWells::given_to(Sample sample) const {
  if (source_.flow().has_own_wells()) sample.wells = given_;
  source_.settle(sample);
  return sample;
}

std::size_t OwnWells::most() const {
  return given_.empty() ? source_.flow().most_own_wells() : given_.size();
}

}  // namespace mano
