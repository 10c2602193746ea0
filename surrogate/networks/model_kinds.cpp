#include "surrogate/networks/model_kinds.hpp"

#include <algorithm>

namespace mano {

namespace {

using A = Architecture;
using Numbers = std::vector<std::pair<const char*, int A::*>>;

// An Architecture of `model` with these numbers in place of its own.
template <typename... Set>
A shaped(A::Model model, const Set&... set) {
  A a;
  a.model = model;
  a.patch = 2;
  ((a.*(set.first) = set.second), ...);
  return a;
}

std::pair<int A::*, int> set(int A::*number, int value) {
  return {number, value};
}

std::vector<ModelKind> make_kinds() {
  const Numbers point_head{{"point_width", &A::point_width}};
  const Numbers transformer{{"heads", &A::heads}, {"mlp", &A::mlp}, {"patch", &A::patch}};
  const auto with = [](Numbers numbers, std::initializer_list<std::pair<const char*, int A::*>> more) {
    numbers.insert(numbers.end(), more);
    return numbers;
  };
  using M = A::Model;
  const auto dim = &A::dim, depth = &A::depth, heads = &A::heads, mlp = &A::mlp, window = &A::window,
             modes = &A::modes, rate = &A::rate;
  return {
      {M::mano,
       "mano",
       "MANO, multipole attention",
       "Colagrande et al., arXiv 2507.02748",
       "O(N)",
       {{"heads", heads},
        {"dim_head", &A::dim_head},
        {"mlp", mlp},
        {"window", window},
        {"stride", &A::stride},
        {"rate", rate}},
       shaped(M::mano, set(&A::convolutions, 1)),
       shaped(M::mano, set(dim, 64), set(depth, 9), set(&A::dim_head, 16), set(mlp, 128),
              set(&A::convolutions, 1)),
       {{"patch", &A::patch}, {"convolutions", &A::convolutions}, {"point_width", &A::point_width}},
       shaped(M::mano, set(dim, 48), set(depth, 2), set(mlp, 96), set(&A::convolutions, 1),
              set(&A::point_width, 128))},
      {M::fno,
       "fno",
       "Fourier neural operator",
       "Li et al., arXiv 2010.08895",
       "O(N ln N)",
       {{"modes", modes}},
       shaped(M::fno, set(dim, 12), set(modes, 10)),
       shaped(M::fno, set(dim, 30), set(modes, 12)),
       {},
       shaped(M::fno, set(dim, 20), set(modes, 6))},
      {M::vit, "vit", "Vision transformer", "Dosovitskiy et al., arXiv 2010.11929", "O(N^2)", transformer,
       shaped(M::vit, set(dim, 52), set(depth, 3), set(mlp, 104)),
       shaped(M::vit, set(dim, 128), set(depth, 4), set(mlp, 336)), point_head},
      {M::swin, "swin", "Swin transformer, one scale", "Liu et al., arXiv 2103.14030", "O(N window^2)",
       with(transformer, {{"window", window}}),
       shaped(M::swin, set(dim, 36), set(depth, 6), set(mlp, 72), set(window, 8)),
       shaped(M::swin, set(dim, 96), set(depth, 8), set(mlp, 192), set(window, 8)), point_head},
      {M::unet,
       "unet",
       "U-Net",
       "Ronneberger et al., arXiv 1505.04597",
       "O(N)",
       {},
       shaped(M::unet, set(dim, 6), set(depth, 3)),
       shaped(M::unet, set(dim, 18), set(depth, 3))},
      {M::xcit, "xcit", "XCiT, cross-covariance attention", "El-Nouby et al., arXiv 2106.09681",
       "O(N C^2 / heads)", transformer,
       shaped(M::xcit, set(dim, 32), set(depth, 5), set(heads, 2), set(mlp, 128)),
       shaped(M::xcit, set(dim, 96), set(depth, 5), set(mlp, 384)), point_head},
      {M::qna, "qna", "QnA, learned queries for local attention", "Arar et al., arXiv 2112.11435",
       "O(N queries window^2)", with(transformer, {{"window", window}, {"queries", &A::queries}}),
       shaped(M::qna, set(dim, 32), set(depth, 6), set(mlp, 128), set(window, 7)),
       shaped(M::qna, set(dim, 96), set(depth, 6), set(heads, 12), set(mlp, 384), set(window, 7)),
       point_head},
      {M::shunted, "shunted", "Shunted self-attention, keys merged at two rates",
       "Ren et al., arXiv 2111.15193", "O(N^2 / rate^2)", with(transformer, {{"rate", rate}}),
       shaped(M::shunted, set(dim, 32), set(depth, 2), set(mlp, 128), set(rate, 4)),
       shaped(M::shunted, set(dim, 64), set(depth, 4), set(mlp, 320), set(rate, 4)), point_head},
      {M::hlg, "hlg", "HLG, attention within windows, then to all windows", "Zhang et al., arXiv 2207.09339",
       "O(N^2 / windows^2 + N windows^2)", with(transformer, {{"windows", &A::windows}}),
       shaped(M::hlg, set(dim, 36), set(heads, 3), set(mlp, 144)),
       shaped(M::hlg, set(dim, 96), set(depth, 5), set(heads, 3), set(mlp, 384)), point_head},
      {M::reguformer, "reguformer", "Reguformer, attention of selected queries",
       "Ermilova et al., arXiv 2212.14246", "O(N^2) to select queries, O(N factor ln N) to attend",
       with(transformer, {{"factor", &A::factor}}),
       shaped(M::reguformer, set(dim, 64), set(depth, 2), set(mlp, 128)),
       shaped(M::reguformer, set(dim, 128), set(depth, 3), set(mlp, 512)), point_head},
      {M::mat, "mat", "MAT, attention that knows which cells are there", "Li et al., arXiv 2203.15270",
       "O(N window^2)", with(transformer, {{"window", window}}),
       shaped(M::mat, set(dim, 36), set(heads, 3), set(mlp, 72), set(window, 8)),
       shaped(M::mat, set(dim, 90), set(depth, 6), set(heads, 3), set(mlp, 180), set(window, 8))},
      {M::lit, "lit", "LIT, MLPs early, attention late, deformable merging", "Pan et al., arXiv 2105.14217",
       "O((N / 16)^2)", transformer,
       shaped(M::lit, set(dim, 6), set(depth, 1), set(heads, 1), set(mlp, 12), set(&A::patch, 1)),
       shaped(M::lit, set(dim, 16), set(depth, 1), set(heads, 1), set(mlp, 64), set(&A::patch, 1))},
      {M::transdepth,
       "transdepth",
       "TransDepth, convolutions, attention at the coarsest level, gated decoder",
       "Yang et al., arXiv 2103.12091",
       "O((N / 64)^2)",
       {{"heads", heads}, {"mlp", mlp}},
       shaped(M::transdepth, set(dim, 4), set(depth, 2), set(mlp, 128)),
       shaped(M::transdepth, set(dim, 12), set(depth, 3), set(heads, 6), set(mlp, 384))},
  };
}

}  // namespace

std::vector<std::pair<std::string, int A::*>> ModelKind::options() const {
  std::vector<std::pair<std::string, int A::*>> list{{"dim", &A::dim}, {"depth", &A::depth}};
  for (const Numbers& some : {numbers, later_numbers}) {
    for (const auto& [name, member] : some) {
      std::string option = model == A::Model::mano && member == &A::patch ? "token-size" : name;
      std::replace(option.begin(), option.end(), '_', '-');
      list.emplace_back(std::move(option), member);
    }
  }
  return list;
}

const std::vector<ModelKind>& model_kinds() {
  static const std::vector<ModelKind> kinds = make_kinds();
  return kinds;
}

const ModelKind& kind_of(Architecture::Model model) {
  const auto& kinds = model_kinds();
  return *std::find_if(kinds.begin(), kinds.end(), [&](const ModelKind& k) { return k.model == model; });
}

}  // namespace mano
