#include "surrogate/networks/block.hpp"

#include <torch/custom_class.h>

#include <array>
#include <tuple>
#include <variant>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/block_passes.hpp"

namespace mano {

namespace {

using torch::Tensor;

// The weights in the order in which the node takes them.
template <typename Weights, typename Visit>
void for_each_weight(Weights& w, Visit visit) {
  visit(w.outer_norm.weight);
  visit(w.outer_norm.bias);
  visit(w.inner_norm.weight);
  visit(w.inner_norm.bias);
  visit(w.to_qkv);
  visit(w.to_out);
  visit(w.to_out_bias);
  visit(w.down);
  visit(w.up);
  visit(w.mlp_norm.weight);
  visit(w.mlp_norm.bias);
  visit(w.mlp_in);
  visit(w.mlp_in_bias);
  visit(w.mlp_out);
  visit(w.mlp_out_bias);
  visit(w.value_convolution);
  visit(w.value_convolution_bias);
  visit(w.mlp_convolution);
  visit(w.mlp_convolution_bias);
}
constexpr std::size_t kWeights = 19;

// Torch wants a tensor in the place of a weight that the architecture has not.
std::array<Tensor, kWeights> to_list(const BlockWeights& w) {
  std::array<Tensor, kWeights> list;
  std::size_t next = 0;
  for_each_weight(w, [&](const Tensor& t) { list[next++] = t.defined() ? t : torch::empty({0}); });
  return list;
}

BlockWeights from_list(const std::vector<Tensor>& list) {
  BlockWeights w;
  std::size_t next = 0;
  for_each_weight(w, [&](Tensor& t) {
    const Tensor& given = list[next++];
    if (given.numel() > 0) t = given;
  });
  return w;
}

using Operands = std::variant<BlockOperands<float>, BlockOperands<double>, BlockOperands<BFloat16>>;

Operands operands_for(const BlockWeights& weights, const Architecture& architecture, Precision precision) {
  if (weights.to_qkv.scalar_type() == torch::kFloat64) return BlockOperands<double>(weights, architecture);
  if (precision == Precision::bfloat16) return BlockOperands<BFloat16>(weights, architecture);
  return BlockOperands<float>(weights, architecture);
}

// The block of x without gaps, [B, h, w, C].
Tensor passed(const Tensor& x, const BlockWeights& weights, const Operands& operands,
              const Architecture& architecture, Saved& saved) {
  const Pyramid pyramid(x, architecture);
  return std::visit(
             [&](const auto& of) {
               return forward_pass(BlockParts(weights, of, architecture, pyramid), x, saved);
             },
             operands)
      .view(x.sizes());
}

// What the backward pass needs that is no tensor of Torch's graph.
struct Kept : torch::CustomClassHolder {
  Kept(const Architecture& a, Operands o) : architecture(a), operands(std::move(o)) {}
  Architecture architecture;
  Operands operands;
};

class BlockNode : public torch::autograd::Function<BlockNode> {
 public:
  // Torch sees tensors that are arguments of their own, in the order of for_each_weight.
  template <typename... Weights>
  static Tensor forward(torch::autograd::AutogradContext* context, const Architecture* architecture,
                        Precision precision, const Tensor& x, const Weights&... list) {
    static_assert(sizeof...(list) == kWeights);
    std::vector<Tensor> kept{list...};
    const Tensor rows = x.contiguous();
    Saved saved;
    const BlockWeights weights = from_list(kept);
    auto block = c10::make_intrusive<Kept>(*architecture, operands_for(weights, *architecture, precision));
    const Tensor out = passed(rows, weights, block->operands, *architecture, saved);
    kept.insert(kept.end(), {rows, saved.coarse, saved.qkv, saved.from_up, saved.attended, saved.hidden});
    context->save_for_backward(kept);
    context->saved_data["block"] = c10::IValue::make_capsule(std::move(block));
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& d_out) {
    const auto kept = context->get_saved_variables();
    const auto holder = context->saved_data["block"].toCapsule();
    const auto& block = static_cast<const Kept&>(*holder);
    const BlockWeights w = from_list(kept);
    const Tensor* rest = kept.data() + kWeights;
    const Saved saved{rest[1], rest[2], rest[3], rest[4], rest[5]};
    const Pyramid pyramid(rest[0], block.architecture);
    BlockWeights d;
    const Tensor d_x = std::visit(
        [&](const auto& of) {
          return backward_pass(BlockParts(w, of, block.architecture, pyramid), rest[0], saved,
                               d_out[0].contiguous(), d);
        },
        block.operands);
    torch::autograd::variable_list gradients{Tensor(), Tensor(), d_x.view(rest[0].sizes())};
    for_each_weight(d, [&](Tensor& t) { gradients.push_back(t); });
    return gradients;
  }
};

}  // namespace

std::shared_ptr<const BlockOperands<float>> operands_of(const BlockWeights& weights,
                                                        const Architecture& architecture) {
  return std::make_shared<const BlockOperands<float>>(weights, architecture);
}

Tensor block_forward(const Tensor& x, const BlockWeights& weights, const Architecture& architecture,
                     Precision precision, const BlockOperands<float>* operands) {
  if (!torch::GradMode::is_enabled()) {
    // A node that nobody goes back through takes as long as a small block.
    Saved saved;
    const bool ready =
        operands != nullptr && precision == Precision::full && weights.to_qkv.scalar_type() == torch::kFloat;
    return passed(x.contiguous(), weights, ready ? *operands : operands_for(weights, architecture, precision),
                  architecture, saved);
  }
  return std::apply(
      [&](const auto&... weight) { return BlockNode::apply(&architecture, precision, x, weight...); },
      to_list(weights));
}

}  // namespace mano
