package io.leno.internal;

import io.leno.LenoStateException;
import java.lang.System.Logger.Level;
import java.lang.ref.Cleaner;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.function.LongToIntFunction;

/**
 * A native handle and its life. Closing is idempotent and refused while a call uses the handle. The
 * native object goes when the handle is closed and no child needs it any more: a child keeps its
 * parents. The facade object that owns a handle is watched by a Cleaner, which closes what nobody
 * closed and counts it.
 */
public class Handle {
  private static final Cleaner CLEANER = Cleaner.create();
  private static final AtomicLong LEAKED = new AtomicLong();
  private static final System.Logger LOG = System.getLogger("io.leno");

  private final String kind;
  private final long address;
  private final LongConsumer destroy;
  private final List<Handle> parents;
  private int users;
  private int children;
  private volatile boolean closed;
  private boolean destroyed;

  /**
   * Takes over a native object.
   *
   * @param kind what messages call it, as "Device"
   * @param destroy the function that destroys it
   * @param parents what must live as long; open when this is called
   */
  public Handle(String kind, long address, LongConsumer destroy, Handle... parents) {
    this(kind, address, destroy, List.of(parents));
    this.parents.forEach(Handle::adopt);
  }

  /** As above, with parents that have {@linkplain #adopt adopted} it. */
  Handle(String kind, long address, LongConsumer destroy, List<Handle> parents) {
    this.kind = kind;
    this.address = address;
    this.destroy = destroy;
    this.parents = parents;
  }

  /** Closes the handle when the owner has become unreachable without having been closed. */
  public void watch(Object owner) {
    CLEANER.register(owner, this::closeLeaked);
  }

  /** How many handles the Cleaner had to close. */
  public static long leaked() {
    return LEAKED.get();
  }

  /** The address for a call; the handle stays open until {@link #release}. */
  public final synchronized long acquire() {
    requireOpen();
    users++;
    return address;
  }

  public final synchronized void release() {
    users--;
    destroyIfUnneeded();
  }

  /** Calls a function of the C API with the address, and throws what its status says. */
  public final void use(LongToIntFunction call) {
    long open = acquire();
    try {
      Check.status(call.applyAsInt(open));
    } finally {
      release();
    }
  }

  /** The address, for callers that guard the handle by other means than {@link #acquire}. */
  public final long address() {
    return address;
  }

  public final boolean closed() {
    return closed;
  }

  public final void requireOpen() {
    if (closed) {
      throw new LenoStateException(kind + " is closed, expected it open");
    }
  }

  /** Closes; harmless when closed already. */
  public final synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (users > 0 || busy()) {
      closed = false;
      throw new LenoStateException(
          kind + " is in use by another thread, expected it idle when closed");
    }
    destroyIfUnneeded();
  }

  /**
   * Whether a call uses the handle unbeknown to {@link #acquire}. Asked after the handle has been
   * marked closed.
   */
  protected boolean busy() {
    return false;
  }

  /** Called once, before the native object goes. */
  protected void onDestroy() {}

  /** Keeps the native object until the borrower has become unreachable, closed or not. */
  public final void lend(Object borrower) {
    adopt();
    CLEANER.register(borrower, this::orphan);
  }

  /** Closes on behalf of an owner who has gone; what still uses the handle ends in peace. */
  final synchronized void abandon() {
    closed = true;
    destroyIfUnneeded();
  }

  /** Whether other objects need this one. */
  final synchronized boolean hasChildren() {
    return children > 0;
  }

  /** One more object needs this one, until {@link #orphan}. */
  final synchronized void adopt() {
    requireOpen();
    children++;
  }

  final synchronized void orphan() {
    children--;
    destroyIfUnneeded();
  }

  private synchronized void closeLeaked() {
    if (closed) {
      return;
    }
    closed = true;
    LEAKED.incrementAndGet();
    LOG.log(Level.WARNING, () -> kind + " was never closed; its native memory is freed now");
    destroyIfUnneeded();
  }

  private void destroyIfUnneeded() {
    if (closed && !destroyed && children == 0 && users == 0) {
      destroyed = true;
      onDestroy();
      destroy.accept(address);
      parents.forEach(Handle::orphan);
    }
  }
}
