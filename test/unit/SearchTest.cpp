// The search on times that are made up: it finds what is fastest, keeps within its budget, and stops when told to.

#include "tools/ssmc/explore/Search.h"

#include <gtest/gtest.h>
#include <random>

using namespace ssm;

namespace {
/// Variants on a grid of three choices of eight; the time is a function of the choices, with noise in each repetition.
class MadeUp : public Trials {
public:
  std::function<double(const Variant &)> truth;
  std::function<std::string(const Variant &)> refusal = [](const Variant &) { return ""; };
  double noise = 0, clock = 0, stopAt = 1e9;
  size_t compiled = 0, repetitions = 0;

  void compile(llvm::ArrayRef<Variant *> variants) override {
    for (Variant *variant : variants) {
      clock += 0.1;
      ++compiled;
      variant->error = refusal(*variant);
    }
  }
  llvm::Error measure(llvm::ArrayRef<Variant *> variants, unsigned rounds,
                      llvm::function_ref<void(Variant &, double)> sample) override {
    for (unsigned round = 0; round < rounds && !stopped(); ++round)
      for (Variant *variant : variants) {
        clock += 0.01;
        ++repetitions;
        sample(*variant, truth(*variant) * (1 + noise * std::uniform_real_distribution<>(0, 1)(random)));
      }
    return llvm::Error::success();
  }
  void forget(Variant &) override {}
  double elapsed() const override { return clock; }
  bool stopped() const override { return clock >= stopAt; }
  void progress(llvm::StringRef) override {}

private:
  std::mt19937 random{1};
};

std::vector<Variant> grid(const std::function<double(int, int, int)> &predicted) {
  std::vector<Variant> variants;
  for (uint16_t a = 0; a < 8; ++a)
    for (uint16_t b = 0; b < 8; ++b)
      for (uint16_t c = 0; c < 8; ++c) {
        Prediction prediction;
        prediction.seconds = predicted(a, b, c);
        variants.emplace_back(std::to_string(variants.size()), llvm::SmallVector<uint16_t>{a, b, c}, prediction);
      }
  return variants;
}

double bowl(const Variant &variant, double a, double b, double c) {
  return 1 + std::pow(variant.choices[0] - a, 2) + std::pow(variant.choices[1] - b, 2) +
         0.5 * std::pow(variant.choices[2] - c, 2);
}
} // namespace

TEST(Search, FindsTheFastestWhereTheModelIsRight) {
  std::vector<Variant> variants = grid([](int a, int b, int c) { return 1 + a * a + b + c; });
  MadeUp trials;
  trials.truth = [](const Variant &variant) { return variant.prediction.seconds; };
  SearchCounts counts;
  SearchLimits limits;
  limits.budget = 10;
  EXPECT_EQ(llvm::cantFail(search(variants, 300, limits, trials, counts)), 0u);
  EXPECT_LE(counts.measured, 10u);
}

TEST(Search, MovesToTheFastestWhereTheModelIsWrong) {
  // The model says 0,0,0; the fastest is 5,4,6 of 512, and 60 are looked at.
  std::vector<Variant> variants = grid([](int a, int b, int c) { return 10 + a + b + c; });
  MadeUp trials;
  trials.noise = 0.05;
  trials.truth = [](const Variant &variant) { return bowl(variant, 5, 4, 6); };
  SearchCounts counts;
  SearchLimits limits;
  limits.budget = 60;
  size_t best = llvm::cantFail(search(variants, 0, limits, trials, counts));
  EXPECT_LE(trials.truth(variants[best]), 1.5) << variants[best].choices[0] << variants[best].choices[1];
  EXPECT_LE(counts.measured, 60u);
}

TEST(Search, LeavesOutWhatIsRefused) {
  std::vector<Variant> variants = grid([](int a, int b, int c) { return 1 + a + b + c; });
  MadeUp trials;
  trials.truth = [](const Variant &variant) { return variant.prediction.seconds; };
  trials.refusal = [](const Variant &variant) { return variant.choices[0] == 0 ? "no" : ""; };
  SearchCounts counts;
  SearchLimits limits;
  size_t best = llvm::cantFail(search(variants, 511, limits, trials, counts));
  EXPECT_EQ(variants[best].choices[0], 1);
  EXPECT_GT(counts.failed, 0u);
}

TEST(Search, KeepsToItsTime) {
  std::vector<Variant> variants = grid([](int a, int b, int c) { return 1 + a + b + c; });
  MadeUp trials;
  trials.truth = [](const Variant &variant) { return variant.prediction.seconds; };
  SearchCounts counts;
  SearchLimits limits;
  limits.budget = 512;
  limits.seconds = 20;
  llvm::cantFail(search(variants, 511, limits, trials, counts));
  EXPECT_LT(trials.clock, 22);
  EXPECT_GT(counts.measured, 16u);
}

TEST(Search, AStoppedSearchGivesTheBestSoFar) {
  std::vector<Variant> variants = grid([](int a, int b, int c) { return 1 + a + b + c; });
  MadeUp trials;
  trials.stopAt = 3;
  trials.truth = [](const Variant &variant) { return variant.prediction.seconds; };
  SearchCounts counts;
  size_t best = llvm::cantFail(search(variants, 511, SearchLimits(), trials, counts));
  EXPECT_EQ(best, 0u);
  EXPECT_TRUE(variants[best].confirmed.empty());
}

TEST(Search, WhatIsKnownIsNotMeasuredAgainButWhereItMayWin) {
  std::vector<Variant> variants = grid([](int a, int b, int c) { return 1 + a + b + c; });
  for (size_t number = 0; number < 40; ++number) {
    variants[number].isOld = true;
    variants[number].seconds = {number == 7 ? 0.5 : 100.0};
  }
  MadeUp trials;
  trials.truth = [](const Variant &variant) { return variant.schedule == "7" ? 0.5 : variant.prediction.seconds; };
  SearchCounts counts;
  SearchLimits limits;
  limits.budget = 41;
  size_t best = llvm::cantFail(search(variants, 500, limits, trials, counts));
  EXPECT_EQ(best, 7u);
  EXPECT_LT(trials.compiled, 16u);
}

TEST(Search, ThatCannotCompileItsFirstFails) {
  std::vector<Variant> variants = grid([](int, int, int) { return 1; });
  MadeUp trials;
  trials.truth = [](const Variant &) { return 1.0; };
  trials.refusal = [](const Variant &) { return "nothing compiles"; };
  SearchCounts counts;
  llvm::Expected<size_t> best = search(variants, 0, SearchLimits(), trials, counts);
  EXPECT_EQ(llvm::toString(best.takeError()), "nothing compiles");
}
