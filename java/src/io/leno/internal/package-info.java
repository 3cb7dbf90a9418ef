/** What the packages of leno share. Not exported. */
package io.leno.internal;
