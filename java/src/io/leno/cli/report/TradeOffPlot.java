package io.leno.cli.report;

import io.leno.cli.report.Canvas.Anchor;
import java.awt.Color;
import java.awt.geom.Rectangle2D;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Speed over accuracy: a point per model, with the spread of its speed-up. */
final class TradeOffPlot {
  private static final int WIDTH = 1200;
  private static final int HEIGHT = 800;
  private static final int LEFT = 110;
  private static final int RIGHT = 60;
  private static final int TOP = 100;
  private static final int BOTTOM = 130;
  private static final Color[] POINTS = {
    new Color(0x333d48),
    new Color(0xd55e00),
    new Color(0x0072b2),
    new Color(0x009e73),
    new Color(0x8a4f7d),
    new Color(0xb07d00),
    new Color(0xa3325a),
  };

  private final Canvas canvas = new Canvas(WIDTH, HEIGHT);
  private final List<ModelRow> models;
  private final double xLow;
  private final double xStep;
  private final double yHigh;
  private final double yStep;
  private final List<Rectangle2D> taken = new ArrayList<>();
  private int labels;

  private TradeOffPlot(List<ModelRow> models) {
    this.models = models;
    double lowest = models.stream().mapToDouble(ModelRow::cosine).min().orElse(0);
    double fastest = models.stream().mapToDouble(ModelRow::high).max().orElse(1);
    xStep = step(Math.max(1e-4, 1 - lowest) * 1.15);
    xLow = Math.floor((1 - Math.max(1e-4, 1 - lowest) * 1.08) / xStep) * xStep;
    yStep = step(fastest * 1.15);
    yHigh = Math.ceil(fastest * 1.08 / yStep) * yStep;
  }

  /**
   * Draws the plot.
   *
   * @param models the dense one first
   * @return content of a PNG file
   */
  static byte[] draw(List<ModelRow> models) {
    return of(models).canvas.png();
  }

  static TradeOffPlot of(List<ModelRow> models) {
    TradeOffPlot plot = new TradeOffPlot(models);
    plot.draw();
    return plot;
  }

  /** How many models found room for their labels. */
  int labels() {
    return labels;
  }

  private void draw() {
    canvas.font(true, 28);
    canvas.text("Speed and what it costs", LEFT, 48, Anchor.LEFT, Canvas.INK);
    canvas.font(false, 20);
    canvas.text(
        "up: faster, right: closer to the dense model; bars: quartiles over rounds",
        LEFT,
        78,
        Anchor.LEFT,
        Canvas.GREY);
    axes();
    for (ModelRow model : models) {
      reserve(model);
    }
    for (int i = 0; i < models.size(); i++) {
      point(models.get(i), POINTS[i % POINTS.length]);
    }
    for (int i = 0; i < models.size(); i++) {
      label(models.get(i), POINTS[i % POINTS.length]);
    }
  }

  private void axes() {
    int decimals = Math.max(0, (int) Math.ceil(-Math.log10(xStep) - 1e-9));
    for (int i = 0; xLow + i * xStep <= 1 + 1e-9; i++) {
      double value = xLow + i * xStep;
      canvas.line(x(value), y(0), x(value), TOP, 1, Canvas.FAINT);
      canvas.text(
          String.format(Locale.ROOT, "%." + decimals + "f", value),
          x(value),
          y(0) + 30,
          Anchor.CENTRE,
          Canvas.INK);
    }
    for (int i = 0; i * yStep <= yHigh + 1e-9; i++) {
      double value = i * yStep;
      canvas.line(LEFT, y(value), WIDTH - RIGHT, y(value), 1, Canvas.FAINT);
      canvas.text(
          String.format(Locale.ROOT, yStep < 1 ? "%.1fx" : "%.0fx", value),
          LEFT - 12,
          y(value) + 7,
          Anchor.RIGHT,
          Canvas.INK);
    }
    canvas.line(LEFT, y(0), WIDTH - RIGHT, y(0), 2, Canvas.INK);
    canvas.line(LEFT, y(0), LEFT, TOP, 2, Canvas.INK);
    canvas.text(
        "mean cosine to the dense model's output",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 50,
        Anchor.CENTRE,
        Canvas.INK);
    canvas.textUpward(
        "speed-up over the dense model", 36, (TOP + HEIGHT - BOTTOM) / 2.0, Canvas.INK);
  }

  private void point(ModelRow model, Color colour) {
    double x = x(model.cosine());
    canvas.line(x, y(model.low()), x, y(model.high()), 3, colour);
    for (double end : new double[] {model.low(), model.high()}) {
      canvas.line(x - 7, y(end), x + 7, y(end), 3, colour);
    }
    canvas.dot(x, y(model.speedup()), 9, colour);
  }

  private void reserve(ModelRow model) {
    double top = Math.min(y(model.high()), y(model.speedup()) - 10);
    double bottom = Math.max(y(model.low()), y(model.speedup()) + 10);
    taken.add(new Rectangle2D.Double(x(model.cosine()) - 11, top, 22, bottom - top));
  }

  /** Beside its point, at the nearest height where it covers nothing. */
  private void label(ModelRow model, Color colour) {
    String[] lines = {
      model.name(),
      String.format(Locale.ROOT, "%.2fx, cosine %.4f", model.speedup(), model.cosine())
    };
    double px = x(model.cosine());
    double py = y(model.speedup());
    canvas.font(true, 19);
    double width = canvas.width(lines[0]);
    canvas.font(false, 18);
    width = Math.max(width, canvas.width(lines[1]));
    boolean rightFirst = px + 18 + width < WIDTH - 8;
    for (int shift = 0; shift < HEIGHT; shift += 4) {
      for (int sign : new int[] {-1, 1}) {
        for (boolean right : new boolean[] {rightFirst, !rightFirst}) {
          double left = right ? px + 18 : px - 18 - width;
          Rectangle2D box = new Rectangle2D.Double(left, py - 24 + sign * shift, width, 46);
          if (fits(box)) {
            taken.add(box);
            labels++;
            if (shift > 24) {
              double end = right ? left - 4 : left + width + 4;
              canvas.line(px, py, end, box.getCenterY(), 1, colour);
            }
            canvas.font(true, 19);
            canvas.text(lines[0], left, box.getY() + 19, Anchor.LEFT, colour);
            canvas.font(false, 18);
            canvas.text(lines[1], left, box.getY() + 41, Anchor.LEFT, colour);
            return;
          }
        }
      }
    }
  }

  private boolean fits(Rectangle2D box) {
    return box.getX() > LEFT + 4
        && box.getMaxX() < WIDTH - 4
        && box.getY() > TOP - 10
        && box.getMaxY() < y(0) - 2
        && taken.stream().noneMatch(box::intersects);
  }

  private double x(double value) {
    return LEFT + (value - xLow) / (1 - xLow) * (WIDTH - LEFT - RIGHT);
  }

  private double y(double value) {
    return HEIGHT - BOTTOM - value / yHigh * (HEIGHT - TOP - BOTTOM);
  }

  /** 1, 2 or 5 times a power of ten, so that five to ten fit. */
  private static double step(double range) {
    double power = Math.pow(10, Math.floor(Math.log10(range)));
    for (double factor : new double[] {0.1, 0.2, 0.5}) {
      if (range / (factor * power) <= 8) {
        return factor * power;
      }
    }
    return power;
  }
}
