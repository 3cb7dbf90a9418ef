/** The bindings that JavaCPP generates from the C headers, and what it is told to do so. */
package io.leno.internal.bindings;
