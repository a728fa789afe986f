;; Guile's procedure->pointer: qsort() of the C library asks a procedure how two numbers compare.
;;
;; With CALLBACKS_WAIT in the environment it says `ready` while its pointers live, and goes on when it has read a line.
(use-modules (system foreign) (rnrs bytevectors) (srfi srfi-1) (ice-9 rdelim))

(define sort-in-c
  (pointer->procedure void (dynamic-func "qsort" (dynamic-link)) (list '* size_t size_t '*)))

(define numbers (map (lambda (n) (modulo (* n 7919) 1009)) (iota 200)))

(define (number-at pointer)
  (bytevector-s32-native-ref (pointer->bytevector pointer 4) 0))

;; A pointer of its own that sorts by the distance from a number.
(define (by-distance middle)
  (define (key pointer)
    (let ((number (number-at pointer)))
      (+ (* 2000 (abs (- number middle))) number)))
  (procedure->pointer int (lambda (a b) (- (key a) (key b))) (list '* '*)))

(define (nearest compare)
  (let ((copy (list->s32vector numbers)))
    (sort-in-c (bytevector->pointer copy) (length numbers) 4 compare)
    (take (s32vector->list copy) 4)))

(define middles (iota 20 0 50))

(define (show-all pointers offset)
  (for-each (lambda (middle compare)
              (format #t "near ~a ~a~%" (+ middle offset) (nearest compare)))
            middles pointers))

(define kept (map by-distance middles))
(show-all kept 0)
(when (getenv "CALLBACKS_WAIT")
  (display "ready\n")
  (force-output)
  (read-line))
(format #t "again ~a~%" (nearest (list-ref kept 7)))
(set! kept #f)
(gc)
(show-all (map (lambda (middle) (by-distance (+ middle 25))) middles) 25)
(exit 26)
