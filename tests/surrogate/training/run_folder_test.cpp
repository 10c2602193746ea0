// Whether a training may begin or go on in a folder, and what it finds there.
#include "surrogate/training/run_folder.hpp"

#include "core/error.hpp"
#include "core/files.hpp"
#include "surrogate/training/train_fixture.hpp"

namespace mano {
namespace {

namespace fs = std::filesystem;

class RunFolder : public Train {
 protected:
  void SetUp() override { data_ = dataset("d.h5", 20, {6, 5}); }

  // The line that a training ends with where it is refused.
  static std::string refusal(const TrainRequest& request) {
    try {
      train(request, {});
    } catch (const InvalidInput& e) {
      return e.what();
    }
    return "";
  }

  fs::path in(const std::string& run, const std::string& name) const { return folder_.path() / run / name; }

  // Two of three epochs of a training.
  TrainRequest stopped(const std::string& run, std::uint64_t seed = 0, int epochs = 2) {
    auto r = request(data_, run, 3);
    r.seed = seed;
    EXPECT_THROW(train(r, stop_after(epochs)), Stop);
    r.resume = true;
    return r;
  }

  // As a kill leaves it between the model and the state of the first epoch.
  TrainRequest stopped_in_first_epoch(const std::string& run) {
    auto r = stopped(run, 0, 1);
    fs::remove(in(run, "state.safetensors"));
    write_text_atomically(in(run, "config.toml"), "epochs = 3\n");
    return r;
  }

  fs::path data_;
};

void expect_words(const std::string& line, const std::vector<std::string>& words) {
  for (const auto& word : words) EXPECT_NE(line.find(word), std::string::npos) << word << " in: " << line;
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST_F(RunFolder, HoldsOneTrainingAtATime) {
  std::string first, resumed;
  TrainCallbacks meanwhile;
  meanwhile.progress = [&](const TrainProgress& p) {
    if (p.epoch == 1) first = refusal(request(data_, "run", 3));
  };
  meanwhile.epoch = [&](const EpochReport&) {
    auto r = request(data_, "run", 3);
    r.resume = true;
    resumed = refusal(r);
  };
  train(request(data_, "run", 3), meanwhile);
  for (const auto& line : {first, resumed}) expect_words(line, {"another 'mano train' is at work on", "run"});
  EXPECT_EQ(epochs_logged("run"), 3);
  auto again = request(data_, "run", 3);
  again.overwrite = true;
  EXPECT_NO_THROW(train(again, {}));
}

TEST_F(RunFolder, GoesOnWithAsManySamplesAStepAlone) {
  auto r = stopped("run");
  r.batch = 4;
  expect_words(refusal(r), {"other samples a step (8; --batch times --accumulate times processes is 4 now)"});
  r.accumulate = 2;
  EXPECT_EQ(train(r, {}).epochs, 3);
}

TEST_F(RunFolder, TakesNoModelOfAnotherTraining) {
  const auto r = stopped("run");
  stopped("seven", 7);
  auto other = request(data_, "deeper", 3);
  other.architecture.depth = 2;
  train(other, {});
  const auto own = in("run", "model.safetensors");
  fs::rename(own, in("run", "own"));

  expect_words(refusal(r), {"model.safetensors is missing", "--overwrite"});
  fs::copy_file(in("seven", "model.safetensors"), own);
  expect_words(refusal(r), {"seed (7 in place of 0)", "put that model back"});
  fs::copy_file(in("deeper", "model.safetensors"), own, fs::copy_options::overwrite_existing);
  expect_words(refusal(r), {"another architecture"});

  // The same training's, of an epoch that is not the state's best.
  SafetensorsFile file = read_safetensors(in("run", "own"));
  ModelCard card = card_from_metadata(file.metadata, "own");
  card.epoch = 9;
  file.metadata = to_metadata(card);
  write_safetensors(own, file);
  expect_words(refusal(r), {"best epoch (9 with error"});

  // A file of before does not know its seed.
  card.epoch = card_from_metadata(read_safetensors(in("run", "own")).metadata, "own").epoch;
  card.seed.reset();
  file.metadata = to_metadata(card);
  EXPECT_EQ(file.metadata.at("training").find("seed"), std::string::npos);
  write_safetensors(own, file);
  EXPECT_EQ(train(r, {}).epochs, 3);
}

// The model is written before the state.
TEST_F(RunFolder, TakesTheModelOfAnEpochAfterTheState) {
  const auto one = stopped("run", 0, 1);
  fs::copy_file(in("run", "state.safetensors"), folder_.path() / "state");
  EXPECT_THROW(train(one, stop_after(2)), Stop);
  ASSERT_EQ(card_from_metadata(read_safetensors(in("run", "model.safetensors")).metadata, "").epoch, 2);
  fs::rename(folder_.path() / "state", in("run", "state.safetensors"));
  train(one, {});
  train(request(data_, "unbroken", 3), {});
  expect_equal_bits("unbroken", "run");
}

TEST_F(RunFolder, BeginsAnewWhereItWasStoppedInTheFirstEpoch) {
  const auto r = stopped_in_first_epoch("run");
  std::string note;
  TrainCallbacks callbacks;
  callbacks.note = [&](const std::string& text) { note = text; };
  EXPECT_EQ(train(r, callbacks).epochs, 3);
  expect_words(note, {"was stopped in its first epoch", "begun anew"});
  train(request(data_, "unbroken", 3), {});
  expect_equal_bits("unbroken", "run");
  EXPECT_EQ(epochs_logged("run"), 3);
}

TEST_F(RunFolder, KeepsAModelThatMayBeFinished) {
  const auto expect_kept = [&](const TrainRequest& r, const std::string& run) {
    const auto before = read_text(in(run, "model.safetensors"));
    expect_words(refusal(r), {"holds a model already", "--overwrite"});
    EXPECT_EQ(read_text(in(run, "model.safetensors")), before);
  };
  const auto copied = stopped_in_first_epoch("copied");
  fs::remove(in("copied", "config.toml"));
  expect_kept(copied, "copied");

  auto again = stopped_in_first_epoch("again");
  again.resume = false;
  expect_kept(again, "again");

  auto other = stopped_in_first_epoch("other");
  other.seed = 5;
  expect_kept(other, "other");

  auto whole = stopped("whole", 0, 3);
  train(whole, {});
  fs::remove(in("whole", "state.safetensors"));
  fs::remove(in("whole", "log.jsonl"));
  write_text_atomically(in("whole", "config.toml"), "epochs = 3\n");
  expect_kept(whole, "whole");

  const auto longer = stopped_in_first_epoch("longer");
  std::ofstream(in("longer", "log.jsonl"), std::ios::app)
      << R"({"stage":"base","epoch":2,"best":false,"validation_relative_l2":1.0})"
      << "\n";
  expect_kept(longer, "longer");
}

TEST_F(RunFolder, IsRidOfWhatKilledTrainingsLeft) {
  const auto r = stopped("run");
  const std::vector<std::string> left{".model.41.tmp.safetensors", ".state.42.tmp.safetensors",
                                      ".config.43.tmp.toml", ".log.44.tmp.jsonl"};
  for (const auto& name : left) std::ofstream(in("run", name)) << "half";
  std::ofstream(in("run", ".mine.45.tmp.toml")) << "kept";
  train(r, {});
  for (const auto& name : left) EXPECT_FALSE(fs::exists(in("run", name))) << name;
  EXPECT_TRUE(fs::exists(in("run", ".mine.45.tmp.toml")));
}

TEST_F(RunFolder, NamesALineOfTheLogThatIsNoEpoch) {
  const auto r = stopped("run");
  const auto log = in("run", "log.jsonl");
  const std::string whole = read_text(log);
  for (const char* line :
       {"5", "{}", R"({"stage":3,"epoch":1,"best":true})", R"({"stage":"base","epoch":1e300})"}) {
    std::ofstream(log) << whole << line << "\n";
    expect_words(refusal(r), {"log.jsonl, line 3", std::string("'") + line, "remove the line"});
  }
  std::ofstream(log) << whole << R"({"stage":"ba)";  // as a kill leaves it
  train(r, {});
  EXPECT_EQ(epochs_logged("run"), 3);
}

}  // namespace
}  // namespace mano
