// Package crontab imports the crontabs of users, /etc/crontab and the files of
// /etc/cron.d, as Debian's cron and cronie read them.
//
// What crond does is kept: % begins the standard input of a command, each further % is a
// new line of it, \% is a percent sign; variables hold for the lines below them; day of
// month and day of week match either when neither begins with *. A last line without its
// end is one that crond does not run.
package crontab
