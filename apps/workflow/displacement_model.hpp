#pragma once
// A trained network and what surrounds it: the problem that its data were made with, the first guess that it corrects, and curves.

#include <memory>
#include <string>
#include <vector>

#include "apps/displacement/dataset_displacement.hpp"
#include "core/norms.hpp"
#include "displacement/first_guess.hpp"
#include "surrogate/history.hpp"
#include "surrogate/training/train_request.hpp"

namespace mano {

/// What training asks for (TrainRequest::first_guess).
FirstGuesses first_guesses_of_data();

/// What a prediction starts from: the first guess at each time, and the flow that it comes from.
struct GuessedHistory {
  FirstGuess::Arrival arrival;
  HistoryGuess guess;
};

class DisplacementModel {
 public:
  /// Throws as HistorySurrogate and DisplacementSource do.
  DisplacementModel(const std::string& model, const std::string& device);

  const HistorySurrogate& surrogate() const { return surrogate_; }
  const ModelCard& card() const { return surrogate_.card(); }
  const DisplacementSource& source() const { return source_; }
  /// The same, with other random wells for samples that bring none, where `random_wells` is not empty.
  DisplacementSource source_with(const std::string& random_wells) const;

  /// Of permeabilities and active cells on one grid, at the model's times, with curves of cut and recovery.
  std::vector<History> predict(const std::vector<Sample>& samples, Method method = Method::multigrid) const;
  /// The two halves of predict(), for those who want the guess as well.
  std::vector<GuessedHistory> start(const std::vector<Sample>& samples) const;
  std::vector<History> predict_from(const std::vector<Sample>& samples,
                                    const std::vector<GuessedHistory>& starts,
                                    Method method = Method::multigrid) const;
  /// The first guess alone; no pressures.
  History guess(const Sample& sample) const;
  /// predict() at any times: what the network adds to the guess is linear between the model's times and from 0 at time 0.
  /// Throws InvalidInput for times that are not above 0 or beyond the model's last.
  std::vector<History> predict_at(const std::vector<Sample>& samples, const std::vector<double>& times,
                                  Method method = Method::multigrid) const;

  /// In what a sample is unlike those of training, in words: its rock (ModelCard::unlike_training) or its own wells. An empty list where in
  /// nothing, none where the model does not know.
  std::optional<std::vector<std::string>> unlike_training(const Sample& sample) const;

  /// Throws InvalidInput where a dataset's displacement, domain or location is not the model's. A model whose samples have wells of their
  /// own takes any wells, those that all samples of the data share too.
  void check_data(const DatasetInfo& info, const std::string& where) const;
  /// Reads samples of checked data by their index, with the wells that all share as their own where the model needs them so.
  /// `data` must outlive what is returned.
  std::function<Sample(std::size_t)> reader_of(const DatasetReader& data) const;
  /// The same of a rock from a file or a random field, on `grid`; its units, too.
  void check_rock(const FieldSource& source, const Grid& grid) const;

 private:
  History between(const Sample& sample, const GuessedHistory& start, const History& own,
                  const std::vector<double>& times) const;
  void check_domain(const Grid& grid, const std::string& where) const;
  void add_curves(const FirstGuess::Arrival& arrival, History& history) const;

  HistorySurrogate surrogate_;
  DisplacementSource source_;
  FirstGuess guess_;
};

/// Errors on a dataset of displacements.
struct DisplacementEvaluation {
  std::string data;
  Resolution resolution;
  std::size_t samples = 0;
  bool seen_in_training = false;
  ErrorSummary saturation;        ///< relative L2 over space and time
  ErrorSummary pressure;          ///< the same
  ErrorSummary first_guess;       ///< of the saturation
  ErrorSummary water_cut;         ///< largest absolute error over the stored times
  ErrorSummary recovery;          ///< the same
  std::optional<double> covered;  ///< part of the saturations that the model's interval holds
  std::optional<std::size_t>
      unlike_training;              ///< samples of which DisplacementModel::unlike_training() finds something
  double seconds_per_sample = 0.0;  ///< first guess included, in batches
  std::string device;
};

/// `progress(done)` is called after every batch.
DisplacementEvaluation evaluate(const DisplacementModel& model, const DatasetReader& data, int batch,
                                Method method, const std::function<void(std::size_t)>& progress = {});

std::vector<std::string> table_lines(const std::vector<DisplacementEvaluation>& evaluations);
nlohmann::json to_json(const DisplacementEvaluation& evaluation);

}  // namespace mano
