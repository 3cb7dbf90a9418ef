/**
 * Devices and contexts, patterns of sparsity, pruning and packed weights.
 *
 * <p>Every failure is a {@link io.leno.LenoException} that names the argument, its value and what
 * was expected; on failure nothing is written to an output. What holds native memory is {@link
 * java.lang.AutoCloseable}: closing twice is harmless, use after closing and closing in use are
 * {@link io.leno.LenoStateException}s.
 *
 * <p>Unless a class says otherwise, its objects are immutable and may be shared by threads, and its
 * static methods may be called from any thread.
 */
package io.leno;
