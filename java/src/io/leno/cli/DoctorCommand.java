package io.leno.cli;

import io.leno.CudaInfo;
import io.leno.Device;
import io.leno.Isa;
import io.leno.Leno;
import io.leno.LenoException;
import io.leno.onnx.LenoOnnx;
import io.leno.op.SparseConv2d;
import io.leno.op.SparseLinear;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Tells what this machine can run, and why it cannot run the rest. */
@Command(
    name = "doctor",
    description = "Tell what this machine can run: processor, instruction sets, devices, kernels.",
    mixinStandardHelpOptions = true)
final class DoctorCommand implements Runnable {
  @Mixin private Output output;

  @Override
  public void run() {
    Writable.require(output.file());
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("version", Leno.version());
    report.put("processor", Leno.cpuName());
    report.put("processors", Runtime.getRuntime().availableProcessors());
    report.put("java", System.getProperty("java.version"));
    report.put("onnxruntime", LenoOnnx.runtimeVersion());
    try (Device device = Device.cpu()) {
      report.put("isa", device.isa().toString());
    }
    String refusal = Device.cudaRefusal();
    report.put("cuda", refusal.isEmpty() ? "usable" : "no: " + refusal);
    List<Map<String, Object>> cards = new ArrayList<>();
    for (int ordinal = 0; ordinal < Device.cudaCount(); ordinal++) {
      cards.add(card(ordinal));
    }
    List<Map<String, Object>> sets = new ArrayList<>();
    for (Isa isa : Isa.values()) {
      if (isa != Isa.AUTO) {
        sets.add(entry(isa.toString(), isa.refusal()));
      }
    }
    List<Map<String, Object>> kernels = entries(SparseLinear.kernels());
    List<Map<String, Object>> convolutions = entries(SparseConv2d.kernels());
    report.forEach((name, value) -> output.printf("%-12s %s%n", name, value));
    if (!cards.isEmpty()) {
      output.printf("%ncards%n");
      cards.forEach(this::printCard);
    }
    output.printf("%ninstruction sets%n");
    sets.forEach(this::print);
    output.printf("%nkernels%n");
    kernels.forEach(this::print);
    output.printf("%nkernels of convolutions%n");
    convolutions.forEach(this::print);
    cards.forEach(this::printKernels);
    report.put("cuda_built", Leno.cudaBuilt());
    report.put("cards", cards);
    report.put("instruction_sets", sets);
    report.put("kernels", kernels);
    report.put("conv_kernels", convolutions);
    output.json(report);
  }

  @SuppressWarnings("unchecked") // as card() has put them there
  private void printKernels(Map<String, Object> card) {
    if (card.containsKey("kernels")) {
      output.printf("%nkernels on cuda:%s%n", card.get("ordinal"));
      ((List<Map<String, Object>>) card.get("kernels")).forEach(this::print);
      output.printf("%nkernels of convolutions on cuda:%s%n", card.get("ordinal"));
      ((List<Map<String, Object>>) card.get("conv_kernels")).forEach(this::print);
    }
  }

  /** A card that cannot be used is told with its reason, and stops nothing. */
  private static Map<String, Object> card(int ordinal) {
    Map<String, Object> card = new LinkedHashMap<>();
    card.put("ordinal", ordinal);
    try (Device device = Device.cuda(ordinal)) {
      CudaInfo info = device.cudaInfo();
      card.put("name", info.name());
      card.put("architecture", info.architecture());
      card.put("multiprocessors", info.multiprocessors());
      card.put("memory_bytes", info.memoryBytes());
      card.put("free_bytes", device.freeBytes());
      card.put("driver_cuda", info.cudaVersion());
      card.put("kernels", entries(SparseLinear.kernels(device)));
      card.put("conv_kernels", entries(SparseConv2d.kernels(device)));
      card.put("reason", "");
    } catch (LenoException e) {
      card.put("reason", e.getMessage());
    }
    return card;
  }

  private void printCard(Map<String, Object> card) {
    boolean usable = card.get("reason").equals("");
    output.printf(
        "  %-3s cuda:%s %s%n",
        usable ? "yes" : "no",
        card.get("ordinal"),
        usable
            ? String.format(
                Locale.ROOT,
                "%s, %s, %s multiprocessors, %.1f of %.1f GB free, driver of CUDA %s",
                card.get("name"),
                card.get("architecture"),
                card.get("multiprocessors"),
                (long) card.get("free_bytes") / 1e9,
                (long) card.get("memory_bytes") / 1e9,
                card.get("driver_cuda"))
            : card.get("reason"));
  }

  private static List<Map<String, Object>> entries(List<SparseLinear.Kernel> kernels) {
    return kernels.stream().map(kernel -> entry(kernel.name(), kernel.refusal())).toList();
  }

  private static Map<String, Object> entry(String name, String refusal) {
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("name", name);
    entry.put("available", refusal.isEmpty());
    entry.put("reason", refusal);
    return entry;
  }

  private void print(Map<String, Object> entry) {
    boolean available = (boolean) entry.get("available");
    output.printf(
        "  %-3s %-44s %s%n", available ? "yes" : "no", entry.get("name"), entry.get("reason"));
  }
}
