#pragma once
// The page of an ensemble, its pictures and its numbers, in one folder.

#include <filesystem>

#include "apps/ensemble/outcome.hpp"

namespace mano {

/// ensemble.json, report.html and, where gnuplot is there, means.png, variances.png, work.png and a histogram of each quantity.
void write_ensemble(const std::filesystem::path& folder, const EnsembleOutcome& outcome);

}  // namespace mano
