#include "displacement/transport.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "core/error.hpp"
#include "displacement/rocks.hpp"

namespace mano {
namespace {

constexpr TransportScheme kSchemes[] = {TransportScheme::theta, TransportScheme::implicit,
                                        TransportScheme::explicit_};

// Cells in a graph without order in space: flow of random size from lower to higher numbers, shuffled.
struct Graph {
  Connections connections;
  Flows flows;
};

Graph random_graph(int cells, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  std::vector<int> name(cells);
  std::iota(name.begin(), name.end(), 0);
  std::shuffle(name.begin(), name.end(), random);
  std::vector<Connection> faces;
  Flows flows;
  flows.in.assign(cells, 0.0);
  flows.out.assign(cells, 0.0);
  std::vector<double> balance(cells, 0.0);  // what flows in so far
  for (int a = 0; a < cells; ++a) {
    flows.in[name[a]] = a == 0 || uniform(random) < 0.1 ? uniform(random) : 0.0;
    const double all = balance[a] + flows.in[name[a]];
    double left = all;
    for (int n = 0; n < 3 && a + 1 < cells; ++n) {
      const int b = a + 1 + static_cast<int>(uniform(random) * std::min(9, cells - a - 1));
      const double flow = n == 2 ? left * uniform(random) : all * uniform(random) / 3;
      left -= flow;
      balance[b] += flow;
      if (uniform(random) < 0.5) {
        faces.push_back({name[a], name[b]});
        flows.face.push_back(flow);
      } else {
        faces.push_back({name[b], name[a]});
        flows.face.push_back(-flow);
      }
    }
    flows.out[name[a]] = left;
  }
  return {Connections(cells, faces), flows};
}

TEST(UpstreamOrder, PutsEachCellAfterAllThatFlowIntoIt) {
  const Graph g = random_graph(500, 1);
  const UpstreamOrder order(g.connections, g.flows);
  EXPECT_EQ(order.circles_from(), 500u);
  std::vector<int> place(500, -1);
  for (std::size_t p = 0; p < order.size(); ++p) {
    EXPECT_EQ(place[order.cell(p)], -1);
    double through = order.from_outside(p);
    for (const auto* in = order.begin(p); in != order.end(p); ++in) {
      EXPECT_NE(place[in->cell], -1);
      through += in->flow;
    }
    EXPECT_DOUBLE_EQ(order.through(p), through);
    place[order.cell(p)] = static_cast<int>(p);
  }
}

// Flows with the errors that a residual leaves become those without, in the same directions.
TEST(Flows, AreBalancedAlongTheFlow) {
  Graph g = random_graph(400, 2);
  const Flows exact = g.flows;
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> uniform(-1e-6, 1e-6);
  for (double& flow : g.flows.face) flow *= 1 + uniform(random);
  for (double& flow : g.flows.out) flow *= 1 + uniform(random);
  balance(g.connections, UpstreamOrder(g.connections, g.flows), g.flows);
  std::vector<double> net(400);
  for (int c = 0; c < 400; ++c) net[c] = g.flows.in[c] - g.flows.out[c];
  for (std::size_t f = 0; f < g.flows.face.size(); ++f) {
    net[g.connections.faces()[f].first] -= g.flows.face[f];
    net[g.connections.faces()[f].second] += g.flows.face[f];
    EXPECT_NEAR(g.flows.face[f], exact.face[f], 1e-4 * std::abs(exact.face[f]));
  }
  for (double value : net) EXPECT_NEAR(value, 0.0, 1e-14);
}

// Mass to rounding and bounds, for any step.
TEST(Transport, ConservesTheInjectedFluidAndKeepsToItsBounds) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  for (const auto& [n_i, n_d, ratio] :
       {std::tuple{2.0, 2.0, 5.0}, {3.7, 1.0, 0.1}, {1.0, 2.5, 100.0}, {6.0, 5.0, 10.0}, {1.0, 1.0, 1.0}}) {
    Fluids fluids;
    fluids.injected_exponent = n_i;
    fluids.displaced_exponent = n_d;
    fluids.viscosity_ratio = ratio;
    for (TransportScheme scheme : kSchemes) {
      for (double dt : {1e-6, 1e-3, 0.3, 50.0}) {
        if (scheme == TransportScheme::explicit_ && dt > 1) continue;  // only slow
        const Graph g = random_graph(300, 5);
        std::vector<double> volume(300);
        for (double& v : volume) v = uniform(random) + 0.01;
        if (scheme != TransportScheme::explicit_) volume[7] = volume[40] = 0.0;
        Transport transport(FractionalFlow(fluids), volume, scheme);
        const UpstreamOrder order(g.connections, g.flows);
        std::vector<double> s(300, 0.0);
        for (int c = 0; c < 300; c += 3) s[c] = uniform(random);
        for (int step = 0; step < 3; ++step) {
          const std::vector<double> before = s;
          transport.advance(order, dt, s);
          double change = 0.0, size = 0.0;
          for (int c = 0; c < 300; ++c) {
            ASSERT_GE(s[c], 0.0);
            ASSERT_LE(s[c], 1.0);
            const double in = dt * g.flows.in[c], out = dt * g.flows.out[c] * transport.passed()[c];
            change += volume[c] * (s[c] - before[c]) - in + out;
            size += in;
          }
          EXPECT_LT(std::abs(change), 1e-13 * (size + 150)) << to_string(scheme) << " " << dt;
        }
      }
    }
  }
}

TEST(Transport, CreatesNoNewExtremes) {
  // Flow from 0 to 1 to 2: s must stay ordered, whatever the step.
  const Connections connections(3, {{0, 1}, {1, 2}});
  const Flows flows{{1.0, 1.0}, {1.0, 0.0, 0.0}, {0.0, 0.0, 1.0}};
  const UpstreamOrder order(connections, flows);
  for (TransportScheme scheme : kSchemes) {
    for (double dt : {0.01, 0.1, 0.7, 3.0}) {
      Transport transport(FractionalFlow(Fluids{}), {0.3, 0.5, 0.2}, scheme);
      std::vector<double> s(3, 0.0);
      for (int step = 0; step < 40; ++step) {
        const std::vector<double> before = s;
        transport.advance(order, dt, s);
        for (int c = 0; c < 3; ++c) EXPECT_GE(s[c], before[c] - 1e-14) << to_string(scheme) << " " << dt;
        EXPECT_GE(s[0], s[1] - 1e-14);
        EXPECT_GE(s[1], s[2] - 1e-14);
      }
    }
  }
}

// One cell: s is known implicitly from ds/dt = 1 - f(s) with linear f, s = 1 - exp(-t).
double error_of_one_cell(TransportScheme scheme, int steps) {
  const Connections connections(1, {});
  const Flows flows{{}, {1.0}, {1.0}};
  const UpstreamOrder order(connections, flows);
  Transport transport(FractionalFlow(named_fluids("tracer")), {1.0}, scheme);
  std::vector<double> s(1, 0.0);
  for (int step = 0; step < steps; ++step) transport.advance(order, 1.0 / steps, s);
  return std::abs(s[0] - (1 - std::exp(-1.0)));
}

TEST(Transport, ThetaIsOfSecondOrderInTimeTheOthersOfFirst) {
  for (auto [scheme, expected] : {std::pair{TransportScheme::theta, 2.0},
                                  {TransportScheme::implicit, 1.0},
                                  {TransportScheme::explicit_, 1.0}})
    EXPECT_NEAR(std::log2(error_of_one_cell(scheme, 32) / error_of_one_cell(scheme, 64)), expected, 0.05)
        << to_string(scheme);
}

// Two small cells behind a large one, as at a producer: with steps of their own they follow it, whatever their Courant numbers.
TEST(Transport, CellsWithMuchFlowTakeStepsOfTheirOwn) {
  const Connections connections(3, {{0, 1}, {1, 2}});
  const Flows flows{{1.0, 1.0}, {1.0, 0.0, 0.0}, {0.0, 0.0, 1.0}};
  const UpstreamOrder order(connections, flows);
  const auto run = [&](int steps) {
    Transport transport(FractionalFlow(Fluids{}), {1.0, 0.02, 0.01}, TransportScheme::theta);
    std::vector<double> s(3, 0.0);
    double out = 0.0;
    for (int step = 0; step < steps; ++step) {
      transport.advance(order, 0.6 / steps, s);
      out += transport.passed()[2] * 0.6 / steps;
    }
    return std::pair{s[2], out};
  };
  const auto [exact, all] = run(5000);
  for (auto [steps, close] :
       {std::pair{16, 2.5e-3}, {32, 6e-4}}) {  // Courant numbers of 10 and 5 in the last: of second order
    const auto [s, out] = run(steps);
    EXPECT_NEAR(s, exact, close) << steps;
    EXPECT_NEAR(out, all, 0.1 * close) << steps;
  }
}

TEST(Transport, SolvesFlowInCircles) {
  // 0 -> 1 -> 2 -> 0, with inflow into 0 and outflow of 2: the system of all three at once.
  const Connections connections(3, {{0, 1}, {1, 2}, {2, 0}});
  const Flows flows{{1.3, 1.3, 0.3}, {1.0, 0.0, 0.0}, {0.0, 0.0, 1.0}};
  const UpstreamOrder order(connections, flows);
  EXPECT_LT(order.circles_from(), 3u);
  Transport transport(FractionalFlow(named_fluids("tracer")), {1.0, 1.0, 1.0}, TransportScheme::implicit);
  std::vector<double> s(3, 0.0);
  transport.advance(order, 1.0, s);
  EXPECT_NEAR(2.3 * s[0] - 0.3 * s[2], 1.0, 1e-12);
  EXPECT_NEAR(2.3 * s[1] - 1.3 * s[0], 0.0, 1e-12);
  EXPECT_NEAR(2.3 * s[2] - 1.3 * s[1], 0.0, 1e-12);
}

TEST(Transport, ExplicitStepsWithoutEndAreRefused) {
  const Connections connections(1, {});
  const Flows flows{{}, {1.0}, {1.0}};
  const UpstreamOrder order(connections, flows);
  Transport transport(FractionalFlow(Fluids{}), {0.0}, TransportScheme::explicit_);
  std::vector<double> s(1, 0.0);
  EXPECT_THROW(transport.advance(order, 1.0, s), RunFailed);
  EXPECT_THROW(parse_transport_scheme("magic"), InvalidInput);
}

}  // namespace
}  // namespace mano
