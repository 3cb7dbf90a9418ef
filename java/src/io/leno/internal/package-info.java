/** The bindings, generated from the C headers, and what the facade shares. Not exported. */
package io.leno.internal;
