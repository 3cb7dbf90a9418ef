/**
 * Operators: each runs packed weights on a device with the fastest kernel measured, dense ones
 * included.
 */
package io.leno.op;
