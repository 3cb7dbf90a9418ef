package io.leno.op;

/**
 * The size of a batch of images, channels aside.
 *
 * @param batch images
 * @param height rows of an image
 * @param width columns of an image
 */
public record ImageSize(long batch, long height, long width) {}
