// Stands in for everything that needs Torch where it is absent, so that callers need no #if.
#include "core/error.hpp"
#include "surrogate/benchmark.hpp"
#include "surrogate/classifier.hpp"
#include "surrogate/evaluate.hpp"
#include "surrogate/history.hpp"
#include "surrogate/models.hpp"
#include "surrogate/surrogate.hpp"
#include "surrogate/training/train.hpp"

namespace mano {

namespace {

[[noreturn]] void missing() {
  throw MissingPart(
      "this mano was built without LibTorch and has no surrogate; build it where scripts/bootstrap put one");
}

}  // namespace

std::vector<ModelDescription> describe_models() {
  missing();
}

struct Classifier::Impl {};

Classifier::Classifier(const std::filesystem::path&, const std::string&) {
  missing();
}
Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;
const ModelCard& Classifier::card() const {
  missing();
}
std::vector<std::vector<double>> Classifier::probabilities(const std::vector<Field>&) const {
  missing();
}

struct HistorySurrogate::Impl {};

HistorySurrogate::HistorySurrogate(const std::filesystem::path&, const std::string&) {
  missing();
}
HistorySurrogate::~HistorySurrogate() = default;
HistorySurrogate::HistorySurrogate(HistorySurrogate&&) noexcept = default;
const ModelCard& HistorySurrogate::card() const {
  missing();
}
std::string HistorySurrogate::device() const {
  missing();
}
std::vector<History> HistorySurrogate::predict(const std::vector<Field>&, const std::vector<HistoryGuess>&,
                                               Method) const {
  missing();
}
std::optional<double> HistorySurrogate::interval_half_width(const History&, const CellMask&) const {
  missing();
}
bool predicts_history(const std::filesystem::path&) {
  missing();
}

struct Surrogate::Impl {};

Surrogate::Surrogate(const std::filesystem::path&, const std::string&) {
  missing();
}
Surrogate::~Surrogate() = default;
Surrogate::Surrogate(Surrogate&&) noexcept = default;
const ModelCard& Surrogate::card() const {
  missing();
}
int Surrogate::threads() const {
  missing();
}
std::size_t Surrogate::recorded_predictions() const {
  missing();
}
int Surrogate::untimed_predictions() const {
  missing();
}
std::string Surrogate::device() const {
  missing();
}
std::vector<Field> Surrogate::predict(const std::vector<Field>&, Method) const {
  missing();
}
Field Surrogate::predict(const Field&, Method) const {
  missing();
}
void Surrogate::check_fits(const Grid&, std::size_t) const {
  missing();
}
void Surrogate::check_method(Method) const {
  missing();
}
void Surrogate::check_problem(const std::string&, const Grid&, Location, const std::string&) const {
  missing();
}
void Surrogate::check_takes_inactive(bool, const std::string&) const {
  missing();
}
std::optional<double> Surrogate::interval_half_width(const Field&, const CellMask&) const {
  missing();
}
void Surrogate::set_cycles(int) {
  missing();
}
int Surrogate::cycles_for(double) const {
  missing();
}
bool Surrogate::seen(const Resolution&, Method) const {
  missing();
}
bool gpu_is_available() {
  return false;
}
Resolution Surrogate::base_resolution(const Resolution&) const {
  missing();
}
Evaluation evaluate(const Surrogate&, const DatasetReader&, int, Method,
                    const std::function<void(std::size_t)>&) {
  missing();
}
Calibration calibrate(const Surrogate&, const DatasetReader&, int, const std::function<void(std::size_t)>&) {
  missing();
}
const char* to_string(Form) {
  missing();
}
Benchmark run_benchmark(const BenchmarkRequest&, const std::function<void(const Benchmark&)>&) {
  missing();
}
TrainResult train(const TrainRequest&, const TrainCallbacks&) {
  missing();
}

}  // namespace mano
