package io.leno.cli;

import ai.onnxruntime.OrtEnvironment;
import io.leno.Device;
import io.leno.Isa;
import io.leno.Leno;
import io.leno.op.SparseLinear;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
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
    report.put("onnxruntime", OrtEnvironment.getEnvironment().getVersion());
    try (Device device = Device.cpu()) {
      report.put("isa", device.isa().toString());
    }
    report.put("cuda", Leno.cudaBuilt() ? "built in" : "not in this version");
    List<Map<String, Object>> sets = new ArrayList<>();
    for (Isa isa : Isa.values()) {
      if (isa != Isa.AUTO) {
        sets.add(entry(isa.toString(), isa.refusal()));
      }
    }
    List<Map<String, Object>> kernels = new ArrayList<>();
    SparseLinear.kernels().forEach(kernel -> kernels.add(entry(kernel.name(), kernel.refusal())));
    report.forEach((name, value) -> output.printf("%-12s %s%n", name, value));
    output.printf("%ninstruction sets%n");
    sets.forEach(this::print);
    output.printf("%nkernels%n");
    kernels.forEach(this::print);
    report.put("instruction_sets", sets);
    report.put("kernels", kernels);
    output.json(report);
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
