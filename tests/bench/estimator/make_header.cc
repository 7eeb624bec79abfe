// A model whose header is as large as those of published models: make_header TOKENS OUT.gguf.
// 152,000 tokens make 5 MB, 248,000 make 8 MB; the file is sparse.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "tests/tools/gguf_writer.h"

namespace {

// Words as long as those of real vocabularies, 6.4 bytes on average.
std::vector<std::string> Words(size_t count, size_t extra) {
  std::vector<std::string> words;
  for (size_t i = 0; i < count; ++i) {
    std::string word = std::to_string(i);
    word.resize(3 + extra + i % 8, 'e');
    words.push_back(std::move(word));
  }
  return words;
}

void AddLayers(headroom::testing::GgufWriter& writer) {
  for (int layer = 0; layer < 32; ++layer) {
    const std::string p = "blk." + std::to_string(layer) + ".";
    for (const char* name : {"attn_q", "attn_output"}) {
      writer.AddTensor(p + name + ".weight", {4096, 4096}, 12);
    }
    for (const char* name : {"attn_k", "attn_v"}) {
      writer.AddTensor(p + name + ".weight", {4096, 1024}, 12);
    }
    for (const char* name : {"ffn_gate", "ffn_up"}) {
      writer.AddTensor(p + name + ".weight", {4096, 14336}, 12);
    }
    writer.AddTensor(p + "ffn_down.weight", {14336, 4096}, 14);
    for (const char* name : {"attn_norm", "ffn_norm"}) {
      writer.AddTensor(p + name + ".weight", {4096}, 0);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t tokens = argc == 3 ? std::strtoull(argv[1], nullptr, 10) : 0;
  if (tokens == 0 || tokens > 1'000'000) {
    std::fprintf(stderr, "usage: make_header TOKENS OUT.gguf\n");
    return 2;
  }
  headroom::testing::GgufWriter writer;
  writer.Add("general.architecture", "llama")
      .Add("general.name", "bench")
      .Add("general.file_type", uint32_t{15})
      .Add("llama.block_count", uint32_t{32})
      .Add("llama.context_length", uint32_t{131072})
      .Add("llama.embedding_length", uint32_t{4096})
      .Add("llama.feed_forward_length", uint32_t{14336})
      .Add("llama.attention.head_count", uint32_t{32})
      .Add("llama.attention.head_count_kv", uint32_t{8})
      .Add("tokenizer.ggml.model", "gpt2")
      .Add("tokenizer.ggml.tokens", Words(tokens, 0))
      .Add("tokenizer.ggml.token_type", std::vector<int32_t>(tokens, 1))
      .Add("tokenizer.ggml.merges", Words(tokens * 19 / 20, 2))
      .AddTensor("token_embd.weight", {4096, tokens}, 12)
      .AddTensor("output.weight", {4096, tokens}, 14);
  AddLayers(writer);
  writer.AddTensor("output_norm.weight", {4096}, 0);
  std::ofstream out(argv[2], std::ios::binary);
  const std::string header = writer.Header();
  out.write(header.data(), static_cast<std::streamsize>(header.size()));
  out.close();
  if (!out || ::truncate(argv[2], static_cast<off_t>(writer.FileBytes())) != 0) {
    std::perror(argv[2]);
    return 1;
  }
  std::printf("%s: header of %zu bytes\n", argv[2], header.size());
  return 0;
}
