/** A user's module. */
module consumer {
  requires io.leno;
}
