/** What the command line writes for people and programs: tables, JSON, pictures, a page. */
package io.leno.cli.report;
